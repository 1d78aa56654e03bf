"""The sub-kernels of a transposed convolution: one per output phase.

Output pixels with the same phase `(i mod stride, j mod stride)` see the same taps of the kernel, pixels of another
phase see others. So one kernel of stride `s` is `s * s` small convolutions whose outputs are interleaved.

Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009.
"""

from torch import Tensor

from fundus_unet.upsampling.arithmetic import check_options
from fundus_unet.upsampling.overlap import Pair, as_pair


def polyphase_split(kernel: Tensor, stride: Pair, padding: Pair = 0) -> list[list[Tensor]]:
    """Sub-kernels by output phase: `split[a][b]` holds the taps that reach outputs `(a, b)` modulo `stride`.

    The taps along an axis are `t = a + padding (mod stride)`. They are as many as `phase_tap_counts` says, so sizes
    differ where `stride` does not divide the kernel.

    Shapes:
        `(..., kernel height, kernel width)` -> `stride x stride` of `(..., ceil or floor of k / stride, ...)`.

    Convention:
        dilation 1. Views of `kernel`, not copies.

    Raises:
        InputError: For a stride below 1 or a negative padding.
    """
    rows, columns = map(_phases, as_pair(stride), as_pair(padding))
    return [[kernel[..., down, right] for right in columns] for down in rows]


def _phases(stride: int, padding: int) -> list[slice]:
    """The taps along one axis that each output phase sees."""
    check_options(stride=stride, padding=padding)
    return [slice((phase + padding) % stride, None, stride) for phase in range(stride)]
