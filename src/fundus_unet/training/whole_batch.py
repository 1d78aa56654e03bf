"""The batch of all processes together, so that a loss of it is the loss of one process that had it all."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def are_several() -> bool:
    """Whether this process trains together with others."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def whole_batch(logits: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
    """Every process's part of the batch, in the order of one process; as it is where there is one process only.

    A loss that pools over the batch is no mean of the losses of its parts. With this, each process computes the loss
    of the whole, whatever loss it is. The gradient of `logits` is the number of processes times that of this process's
    part, since DistributedDataParallel divides by that number when it adds them up.

    Shapes:
        (B, ...) of each of P processes -> (B * P, ...); sample `j` of process `r` becomes number `j * P + r`, as
        `PatchSampler` deals them out.
    """
    if not are_several():
        return (logits, *others)
    return (_Gathered.apply(logits), *map(_gathered, others))


class _Gathered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        return _gathered(part)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        processes = dist.get_world_size()
        return gradient[dist.get_rank() :: processes] * processes


def _gathered(part: Tensor) -> Tensor:
    part = part.detach().contiguous()
    parts = [torch.empty_like(part) for _ in range(dist.get_world_size())]
    # bytes: no backend lacks them
    dist.all_gather([one.view(torch.uint8) for one in parts], part.view(torch.uint8))
    return torch.stack(parts, dim=1).flatten(0, 1)
