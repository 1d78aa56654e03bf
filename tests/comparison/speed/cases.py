"""Small networks and settings for the tests of speed, and steps that are told what to do; all can be pickled."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from fundus_unet.comparison.speed.conditions import Conditions
from fundus_unet.comparison.speed.workload import Step, TrainingStep
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.unet import UNet
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import Upsampler

K4 = partial(TransposedConvUpsampler, kernel_size=4, padding=1)
BILINEAR = partial(InterpolateConvUpsampler, mode="bilinear", kernel_size=3)


def conditions(**changes: object) -> Conditions:
    usual = {
        "level": "layer",
        "mode": "inference",
        "device": "cpu",
        "dtype": "float32",
        "memory_format": "contiguous",
        "compiled": False,
        "batch_size": 2,
        "image_size": (20, 12),
    }
    return Conditions(**(usual | changes))


def network(upsampler: Callable[..., Upsampler] = K4, widths: tuple[int, ...] = (4, 8, 16)) -> UNet:
    return UNet(3, 1, widths, upsampler, MaxPoolDownsampler)


TRAINING = TrainingStep(BCEDiceLoss(), partial(torch.optim.SGD, lr=0.1), gradient_clip_val=1.0)


class Refusing(TransposedConvUpsampler):
    """Runs in its network alone: other batches than the probe's one image are refused."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=4, padding=1)

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        if len(x) > 1:
            raise RuntimeError("no kernel\nfor such a batch")
        return super().forward(x, output_size)


@dataclass(frozen=True)
class Planted:
    """A workload whose step takes memory for a moment, or ends in another way."""

    mebibytes: float = 0.0
    end: str = ""
    conditions: Conditions = conditions()  # noqa: RUF009

    @property
    def module(self) -> nn.Module:
        return nn.Identity()

    def prepare(self, compiled: bool) -> Step:
        def step() -> None:
            if self.end == "error":
                raise RuntimeError("planted")
            if self.end == "exit":
                os._exit(7)
            torch.ones(int(self.mebibytes * 2**18)).sum()

        return step

    def tiny(self) -> "Planted":
        return Planted()
