"""Interpolation followed by a convolution: no kernel phases, so no overlap pattern."""

import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.upsampling.upsampler import Upsampler, init_keeping_variance

MODES = ("nearest", "bilinear", "bicubic")


class InterpolateConvUpsampler(Upsampler):
    """Resizes by interpolation, then convolves at the output resolution. Reaches any size.

    The border is replicated: zeros would make the response to a constant image differ at the rim.

    Shapes: see `Upsampler`. Weight `(out_channels, in_channels, kernel_size, kernel_size)`.
    Convention: `align_corners=False`, pixel centres.
    Raises: `InputError` for an unknown mode or an even kernel.
    Source: Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, mode: str = "bilinear", kernel_size: int = 3, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels)
        if mode not in MODES:
            raise InputError(f"unknown interpolation mode {mode!r}", expected=MODES, fix=did_you_mean(mode, MODES))
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise InputError(
                "the convolution must keep the size", expected="an odd kernel_size", got=f"kernel_size={kernel_size}"
            )
        self.mode = mode
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel_size, padding=kernel_size // 2, padding_mode="replicate", bias=bias
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        taps = self.in_channels * self.conv.kernel_size[0] * self.conv.kernel_size[1]
        init_keeping_variance(self.conv.weight, self.conv.bias, taps)

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        if min(output_size) < 1:
            raise InputError("an image has at least one pixel", expected="sizes >= 1", got=output_size)
        align_corners = None if self.mode == "nearest" else False
        resized = F.interpolate(x, size=tuple(output_size), mode=self.mode, align_corners=align_corners)
        return self.conv(resized)
