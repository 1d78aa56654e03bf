"""Muon: momentum whose kernels are orthogonalized before they are added, which takes far fewer steps than AdamW."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.adamw import adamw

from fundus_unet.core.errors import InputError

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic polynomial that drives singular values towards 1, as Jordan et al. chose them."""
ITERATIONS = 5
KERNELS = "kernels"
"""The name of their group of parameters, under which TensorBoard shows its learning rate."""


class Muon(Optimizer):
    """Orthogonalizes the momentum of every convolution kernel; all else (biases, normalization) is given to AdamW.

    A kernel is the matrix of its first dimension by all others: for a convolution what one output channel collects,
    for a transposed one what one input channel pastes. Kernels with a single row or column go to AdamW too.

    `torch.optim.Muon` takes matrices only, and computes in bfloat16, which processors without it emulate slowly.

    Args:
        lr: Of kernels: a step changes each by a matrix of spectral norm `lr * sqrt(max(1, rows / columns))`.
        momentum: Of kernels (Nesterov's), and the first beta of AdamW.
        weight_decay: Decoupled, of kernels alone.
        adamw_ratio: The rate of all else, as a multiple of `lr`, so that one schedule moves both.
        beta2, eps: Of AdamW.

    Raises:
        InputError: For a number out of range.

    Source:
        Jordan et al., Muon, 2024 (kellerjordan.github.io/posts/muon); iterated on the Gram matrix, which is as exact
        in float32 and needs fewer operations, as in Gram Newton-Schulz (dao-lab.ai, 2026).
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 0.03,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        adamw_ratio: float = 0.2,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        numbers = {"lr": lr, "weight_decay": weight_decay, "adamw_ratio": adamw_ratio, "eps": eps}
        for name, value in numbers.items():
            if not 0 <= value < math.inf:
                raise InputError(f"optimizer.{name} cannot be used", expected="a number, 0 or above", got=value)
        for name, value in {"momentum": momentum, "beta2": beta2}.items():
            if not 0 <= value < 1:
                raise InputError(f"optimizer.{name} cannot be used", expected="0 or above, below 1", got=value)
        parameters = list(params)
        kernels = [one for one in parameters if _is_matrix(one)]
        rest = [one for one in parameters if not _is_matrix(one)]
        groups = [{"params": some, "name": name} for name, some in ((KERNELS, kernels), ("rest", rest)) if some]
        super().__init__(groups, {**numbers, "momentum": momentum, "beta2": beta2})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for parameter, values in self.state.items():
            if "step" in values:  # torch leaves counts on the CPU; its fused AdamW wants them beside the parameter
                values["step"] = values["step"].to(parameter.device)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [one for one in group["params"] if one.grad is not None]
            if parameters:
                (self._step_kernels if group["name"] == KERNELS else self._step_adamw)(parameters, group)
        return loss

    def _step_kernels(self, kernels: list[Tensor], group: dict[str, Any]) -> None:
        for kernel in kernels:
            if not self.state[kernel]:
                self.state[kernel]["momentum_buffer"] = torch.zeros_like(kernel)
        momentum, rate, decay = group["momentum"], group["lr"], group["weight_decay"]
        gradients: list[Tensor] = [kernel.grad for kernel in kernels]  # type: ignore[misc]
        buffers = [self.state[kernel]["momentum_buffer"] for kernel in kernels]
        torch._foreach_lerp_(buffers, gradients, 1 - momentum)
        updates = torch._foreach_lerp(gradients, buffers, momentum)
        matrices = orthogonalized_all([update.flatten(1) for update in updates])
        for kernel, matrix in zip(kernels, matrices, strict=True):
            rows, columns = matrix.shape
            if rows > columns:
                matrix = matrix * math.sqrt(rows / columns)
            if decay:
                kernel.mul_(1 - rate * decay)
            kernel.sub_(matrix.reshape(kernel.shape), alpha=rate)

    def _step_adamw(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        for parameter in parameters:
            if not self.state[parameter]:
                self.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        states = [self.state[parameter] for parameter in parameters]
        adamw(
            parameters,
            [one.grad for one in parameters],  # type: ignore[misc]
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=parameters[0].device.type in ("cpu", "cuda"),
            amsgrad=False,
            beta1=group["momentum"],
            beta2=group["beta2"],
            lr=group["lr"] * group["adamw_ratio"],
            weight_decay=0.0,
            eps=group["eps"],
            maximize=False,
        )


def orthogonalized_all(matrices: Sequence[Tensor]) -> list[Tensor]:
    """`orthogonalized` of each of several matrices, of any shapes, in batches.

    On a CPU those of one shape are a batch. A GPU takes longer to be told of these small products than to compute them,
    so there a batch is as many as have one number of rows, or of columns where these are fewer.
    """
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for number, matrix in enumerate(matrices):
        shape = tuple(matrix.shape)
        alike[(matrix.device, *(shape if matrix.device.type == "cpu" else (min(shape),)))].append(number)
    found: dict[int, Tensor] = {}
    for numbers in alike.values():
        some = [matrices[number] for number in numbers]
        one_shape = all(matrix.shape == some[0].shape for matrix in some)
        results = orthogonalized(torch.stack(some)) if one_shape else orthogonalized_filled_up(some)
        found.update(zip(numbers, results, strict=True))
    return [found[number] for number in range(len(matrices))]


def orthogonalized_filled_up(matrices: Sequence[Tensor]) -> list[Tensor]:
    """`orthogonalized` of matrices with one number of rows, or of columns where these are fewer, as a single batch.

    Columns of zeros make them equally long: they change neither a matrix's norm nor its product with its transpose.
    """
    lying = [matrix if len(matrix) <= matrix.shape[1] else matrix.mT for matrix in matrices]
    batch = lying[0].new_zeros(len(lying), len(lying[0]), max(matrix.shape[1] for matrix in lying))
    for place, matrix in zip(batch, lying, strict=True):
        place[:, : matrix.shape[1]] = matrix
    results = [one[:, : matrix.shape[1]] for one, matrix in zip(orthogonalized(batch), lying, strict=True)]
    return [one if one.shape == matrix.shape else one.mT for one, matrix in zip(results, matrices, strict=True)]


def orthogonalized(matrices: Tensor) -> Tensor:
    """The nearest matrices whose singular values are all about 1 (0.7 to 1.2 but for those that are almost 0).

    Shapes:
        (N, rows, columns) -> the same, float32 or wider.

    Source:
        As for `Muon`.
    """
    rows, columns = matrices.shape[-2:]
    if rows > columns:
        return orthogonalized(matrices.mT).mT
    matrices = matrices / matrices.norm(dim=(-2, -1), keepdim=True).clamp_(min=1e-30)
    a, b, c = NEWTON_SCHULZ
    gram = torch.bmm(matrices, matrices.mT)
    product = None
    for iteration in range(ITERATIONS):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=-2, dim2=-1).add_(a)
        product = factor if product is None else torch.bmm(factor, product)
        if iteration < ITERATIONS - 1:
            gram = torch.bmm(torch.bmm(factor, gram), factor)
    return torch.bmm(product, matrices)  # type: ignore[arg-type]


def _is_matrix(parameter: Tensor) -> bool:
    return parameter.ndim == 4 and min(len(parameter), parameter[0].numel()) > 1
