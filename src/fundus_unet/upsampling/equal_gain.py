"""A transposed convolution whose four phases respond alike to a constant, whatever it learns."""

import torch
from torch import Tensor

from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import init_keeping_variance


class EqualGainTransposedConvUpsampler(TransposedConvUpsampler):
    """Transposed convolution whose kernel is projected onto the kernels of equal phase gains at every use.

    Output pixels (i, j) fall into four phases (i mod 2, j mod 2), each with its own taps of the kernel; the sum of a
    phase's taps is its gain. The weights are free and the kernel is computed from them, so a constant gives a constant
    before, during and after training, as exactly as the arithmetic allows: bfloat16 rounds the kernel, and the gains
    then differ by what it rounds off. The border is not covered: the outputs next to it (with kernel 4 and padding 1
    the outermost row and column, and all that a size of `2h + 1` adds) have fewer taps and respond differently.

    Shapes:
        see `Upsampler`. Weight `(in_channels, out_channels / groups, kernel_size, kernel_size)`.

    Raises:
        as `TransposedConvUpsampler`.

    Source:
        the condition is that of Sugawara, Shiota, Kiya, arXiv 1806.02658; the projection is this project's.
    """

    phases: Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 4,
        padding: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size=kernel_size, padding=padding, groups=groups, bias=bias)
        self.register_buffer("phases", phase_masks(kernel_size, self.STRIDE), persistent=False)

    def reset_parameters(self) -> None:
        # Of kernel_size**2 dimensions the projection removes one per phase but the common gain, and their variance.
        total = self.kernel_size**2
        kept = (total - (self.STRIDE**2 - 1)) / total
        init_keeping_variance(self.conv.weight, self.conv.bias, self.taps * kept)

    def kernel(self) -> Tensor:
        return equalize_phase_gains(self.conv.weight, self.phases)


def phase_masks(kernel_size: int, stride: int) -> Tensor:
    """One mask per phase of an upsampling: the taps that reach its outputs.

    Shapes:
        (stride ** 2, kernel_size, kernel_size), zeros and ones that sum to one at each tap.
    """
    phase = torch.arange(kernel_size) % stride
    label = stride * phase[:, None] + phase
    return (label == torch.arange(stride**2)[:, None, None]).float()


def equalize_phase_gains(kernel: Tensor, phases: Tensor) -> Tensor:
    """The nearest kernel (least squares) in which the taps of every phase have the same sum.

    Shapes:
        (..., k, k), masks (P, k, k) as of `phase_masks` -> (..., k, k).
    """
    taps = phases.sum((-2, -1))
    gains = (kernel.unsqueeze(-3) * phases).sum((-2, -1))
    common = (gains / taps).sum(-1, keepdim=True) / (1 / taps).sum()
    correction = (common - gains) / taps
    return kernel + (correction[..., None, None] * phases).sum(-3)
