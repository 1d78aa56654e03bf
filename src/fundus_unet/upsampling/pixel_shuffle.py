"""Sub-pixel convolution: four channels at low resolution become four pixels of one."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.upsampling.interpolation import replicate_border
from fundus_unet.upsampling.upsampler import (
    Upsampler,
    check_doubles,
    check_groups,
    check_odd_kernel,
    init_keeping_variance,
)


class PixelShuffleUpsampler(Upsampler):
    """Convolves to four times the channels at the low resolution and interleaves them; starts from ICNR.

    ICNR gives the four sub-kernels of an output channel the same weights, so it starts as nearest-neighbour upsampling
    of a convolution and a constant gives a constant; training moves the sub-kernels apart. The border is replicated:
    zeros would make that response differ at the rim.

    Shapes:
        see `Upsampler`; `(H, W) = (2h, 2w)` only. Weight `(4 * out_channels, in_channels / groups, k, k)`.

    Raises:
        InputError: For an even kernel, groups that do not divide the channels, or a size other than twice the
            input's.

    Source:
        Shi et al., arXiv 1609.05158; ICNR: Aitken et al., arXiv 1707.02937.
    """

    FACTOR = 2

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_size: int = 3, groups: int = 1, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels)
        check_odd_kernel(kernel_size)
        check_groups(in_channels, out_channels, groups)
        self.conv = nn.Conv2d(in_channels, self.FACTOR**2 * out_channels, kernel_size, groups=groups, bias=bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        sub_pixels = self.FACTOR**2
        shared = torch.empty_like(self.conv.weight[::sub_pixels])
        init_keeping_variance(shared, self.conv.bias, taps=shared[0].numel())
        with torch.no_grad():
            self.conv.weight.copy_(shared.repeat_interleave(sub_pixels, dim=0))

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        check_doubles(x, output_size)
        padded = replicate_border(x, self.conv.kernel_size[0] // 2)
        return F.pixel_shuffle(self.conv(padded), self.FACTOR)
