"""Interpolation to any size and replicated borders, the fixed parts of several upsamplers.

On the CPU, autocast would compute both in float32 and so copy the map to it and back, a quarter of the upsampling's
time; on a GPU it does not. Here both stay in the dtype of their input.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from fundus_unet.core.errors import InputError, did_you_mean

MODES = ("nearest", "bilinear", "bicubic")


def check_mode(mode: str) -> None:
    """Raise `InputError` for a mode that is none of `MODES`."""
    if mode not in MODES:
        raise InputError(f"unknown interpolation mode {mode!r}", expected=MODES, fix=did_you_mean(mode, MODES))


def interpolate(x: Tensor, output_size: tuple[int, int], mode: str) -> Tensor:
    """Resize a feature map.

    Shapes:
        (B, C, h, w) -> (B, C, H, W), (H, W) = `output_size`.

    Convention:
        `align_corners=False`, pixel centres.

    Raises:
        InputError: For a size below one pixel.
    """
    if min(output_size) < 1:
        raise InputError("an image has at least one pixel", expected="sizes >= 1", got=tuple(output_size))
    align_corners = None if mode == "nearest" else False
    with torch.autocast(x.device.type, enabled=False):
        return F.interpolate(x, size=tuple(output_size), mode=mode, align_corners=align_corners)


def replicate_border(x: Tensor, rim: int) -> Tensor:
    """Repeat the outermost pixels: (B, C, H, W) -> (B, C, H + 2 * rim, W + 2 * rim)."""
    with torch.autocast(x.device.type, enabled=False):
        return F.pad(x, (rim, rim, rim, rim), mode="replicate")
