"""A transposed convolution that starts as bilinear interpolation."""

import torch
from torch import Tensor

from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import init_keeping_variance


class BilinearInitTransposedConvUpsampler(TransposedConvUpsampler):
    """Transposed convolution (kernel 4, stride 2, padding 1) that starts as bilinear upsampling of a random 1x1 mix.

    Only the start differs from `TransposedConvUpsampler`: training moves every tap freely, so the response to a
    constant is constant at initialization and in general not after it. The outermost row or column of the output sees
    zeros beyond the border: there it starts at 3/4 of what interpolation with a replicated border gives.

    Shapes:
        see `Upsampler`. Weight `(in_channels, out_channels / groups, 4, 4)`.

    Convention:
        `align_corners=False`, pixel centres.

    Raises:
        InputError: For groups that do not divide the channels, or a size other than `2h` and `2h + 1`.

    Source:
        Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", arXiv 1411.4038, start
        their upsampling from bilinear kernels; the random mix is this project's, for `in_channels != out_channels`.
    """

    def __init__(self, in_channels: int, out_channels: int, *, groups: int = 1, bias: bool = True) -> None:
        super().__init__(in_channels, out_channels, kernel_size=4, padding=1, groups=groups, bias=bias)

    def reset_parameters(self) -> None:
        weight = self.conv.weight
        mix = weight.new_empty(*weight.shape[:2], 1, 1)
        init_keeping_variance(mix, self.conv.bias, taps=self.in_channels / self.conv.groups)
        with torch.no_grad():
            weight.copy_(mix * bilinear_kernel(weight))


def bilinear_kernel(like: Tensor) -> Tensor:
    """The (4, 4) kernel of bilinear doubling: distances from a pixel centre of 3/4 and 1/4 along each axis."""
    row = like.new_tensor([0.25, 0.75, 0.75, 0.25])
    return torch.outer(row, row)
