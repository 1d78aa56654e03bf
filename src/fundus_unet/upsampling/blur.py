"""A fixed low-pass filter after any upsampling."""

from math import comb

import torch
import torch.nn.functional as F
from torch import Tensor

from fundus_unet.upsampling.interpolation import replicate_border
from fundus_unet.upsampling.upsampler import Upsampler, UpsamplerFactory, check_odd_kernel


class BlurredUpsampler(Upsampler):
    """Upsamples by another upsampler, then blurs with a binomial kernel that is not learned.

    A binomial kernel removes the highest frequency of each axis exactly, and a difference between the four phases of a
    doubling lives there: a constant gives a constant, whatever the upsampler learns. Next to the border, where a
    transposed convolution has fewer taps, the response still differs. The border of the upsampled map is replicated.

    Shapes:
        see `Upsampler`; the sizes that `upsampler` reaches. Kernel size 3 is [1, 2, 1] / 4 along each axis.

    Raises:
        InputError: For a kernel that is even or smaller than 3.

    Source:
        Sugawara, Shiota, Kiya, arXiv 1806.02658 (a fixed filter after the upsampling); Zhang, arXiv 1904.11486
        (binomial filters as layers).
    """

    blur: Tensor

    def __init__(
        self, in_channels: int, out_channels: int, *, upsampler: UpsamplerFactory, kernel_size: int = 3
    ) -> None:
        super().__init__(in_channels, out_channels)
        check_odd_kernel(kernel_size, smallest=3)
        self.upsampler = upsampler(in_channels, out_channels)
        self.register_buffer("blur", binomial_kernel(kernel_size), persistent=False)

    def reset_parameters(self) -> None:
        self.upsampler.reset_parameters()

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        upsampled = replicate_border(self.upsampler(x, output_size), self.blur.shape[-1] // 2)
        blur = self.blur.expand(self.out_channels, 1, -1, -1)
        return F.conv2d(upsampled, blur, groups=self.out_channels)


def binomial_kernel(size: int) -> Tensor:
    """A row of Pascal's triangle times itself, (size, size), of sum one."""
    row = torch.tensor([comb(size - 1, i) for i in range(size)]) / 2 ** (size - 1)
    return torch.outer(row, row)
