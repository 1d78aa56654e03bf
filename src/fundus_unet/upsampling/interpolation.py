"""Interpolation to any size, the fixed half of two upsamplers."""

import torch.nn.functional as F
from torch import Tensor

from fundus_unet.core.errors import InputError, did_you_mean

MODES = ("nearest", "bilinear", "bicubic")


def check_mode(mode: str) -> None:
    """Raises: `InputError` for a mode that is none of `MODES`."""
    if mode not in MODES:
        raise InputError(f"unknown interpolation mode {mode!r}", expected=MODES, fix=did_you_mean(mode, MODES))


def interpolate(x: Tensor, output_size: tuple[int, int], mode: str) -> Tensor:
    """Resize a feature map.

    Shapes: (B, C, h, w) -> (B, C, H, W), (H, W) = `output_size`.
    Convention: `align_corners=False`, pixel centres.
    Raises: `InputError` for a size below one pixel.
    """
    if min(output_size) < 1:
        raise InputError("an image has at least one pixel", expected="sizes >= 1", got=tuple(output_size))
    align_corners = None if mode == "nearest" else False
    return F.interpolate(x, size=tuple(output_size), mode=mode, align_corners=align_corners)
