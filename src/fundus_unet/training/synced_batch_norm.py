"""Batch normalization over the batch of all processes, on any device: torch's own needs a GPU."""

from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from lightning.pytorch.plugins import LayerSync
from torch import Tensor, nn

from fundus_unet.training.whole_batch import are_several


class SyncedBatchNorms(LayerSync):
    """Has the batch normalizations of a network take mean and variance over all processes while it is trained.

    The layers stay the same objects with the same parameters and names, so checkpoints are those of one process.
    Every process has to normalize equally many values, as it does where a batch is divided evenly.
    """

    def __init__(self) -> None:
        self._before: list[tuple[nn.Module, type[nn.Module]]] = []

    def apply(self, model: nn.Module) -> nn.Module:
        for module in model.modules():
            if type(module) in _SYNCED:
                self._before.append((module, type(module)))
                module.__class__ = _SYNCED[type(module)]
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        for module, cls in self._before:
            module.__class__ = cls
        self._before.clear()
        return model


class _Synced(nn.modules.batchnorm._BatchNorm):
    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and are_several()):
            return super().forward(x)
        y, mean, variance = _Normalized.apply(x, self.weight, self.bias, self.eps)
        if self.track_running_stats:
            self._track(mean, variance, x.numel() // x.shape[1] * dist.get_world_size())
        return y

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.num_batches_tracked is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        self.num_batches_tracked.add_(1)
        share = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        unbiased = variance * (count / max(1, count - 1))
        self.running_var.lerp_(unbiased.to(self.running_var.dtype), share)

    def _check_input_dim(self, input: Tensor) -> None:
        """Nothing: the class that a layer had before has checked such inputs."""


class _Synced1d(_Synced, nn.BatchNorm1d):
    pass


class _Synced2d(_Synced, nn.BatchNorm2d):
    pass


class _Synced3d(_Synced, nn.BatchNorm3d):
    pass


_SYNCED: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: _Synced1d,
    nn.BatchNorm2d: _Synced2d,
    nn.BatchNorm3d: _Synced3d,
    nn.SyncBatchNorm: _Synced2d,
}


class _Normalized(torch.autograd.Function):
    """Gives the normalized input, and the mean and the (biased) variance over all processes, without gradient."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        exact = x.to(torch.promote_types(x.dtype, torch.float32))
        variance, mean = torch.var_mean(exact, _all_but_channels(x), correction=0)
        own = torch.stack([mean, variance])
        parts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, own)
        means, variances = torch.stack(parts, dim=1)
        # the variance of the whole: the mean of those within the parts, and that of their means
        mean, variance = means.mean(0), variances.mean(0) + means.var(0, correction=0)
        ctx.save_for_backward(x, weight, mean, torch.rsqrt(variance + eps))
        ctx.mark_non_differentiable(mean, variance)
        y = F.batch_norm(x, mean, variance, weight, bias, training=False, eps=eps)
        return y, mean, variance

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale = ctx.saved_tensors
        shape = (1, -1, *[1] * (x.ndim - 2))
        normalized = (x.to(mean.dtype) - mean.view(shape)) * scale.view(shape)
        exact = gradient.to(mean.dtype)
        over = _all_but_channels(x)
        of_bias, of_weight = exact.sum(over), (exact * normalized).sum(over)
        sums = torch.stack([of_bias, of_weight])
        dist.all_reduce(sums)
        shift, slope = (sums / (x.numel() // x.shape[1] * dist.get_world_size())).view(2, *shape)
        factor = scale if weight is None else scale * weight
        of_x = (exact - shift - normalized * slope) * factor.view(shape)
        given = weight is not None
        return of_x.to(x.dtype), of_weight if given else None, of_bias if given else None, None


def _all_but_channels(x: Tensor) -> list[int]:
    return [0, *range(2, x.ndim)]
