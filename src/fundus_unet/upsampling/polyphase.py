"""The sub-kernels of a transposed convolution: one per output phase.

Output pixels with the same phase `(i mod stride, j mod stride)` see the same taps of the kernel, pixels of another
phase see others. So one kernel of stride `s` is `s * s` small convolutions whose outputs are interleaved.

Source: Shi et al., "Is the deconvolution layer the same as a convolutional layer?", arXiv 1609.07009.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from fundus_unet.core.errors import InputError
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


def polyphase_merge(split: Sequence[Sequence[Tensor]], padding: Pair = 0) -> Tensor:
    """The kernel whose `polyphase_split` is `split`: its inverse.

    Raises:
        InputError: Where the sub-kernels are not those of one kernel.
    """
    down, right = len(split), len(split[0]) if split else 0
    if not right or any(len(row) != right for row in split):
        raise InputError("phases form a grid", expected="rows of equal length", got=[len(row) for row in split])
    first = split[0][0]
    height = sum(row[0].shape[-2] for row in split)
    width = sum(column.shape[-1] for column in split[0])
    kernel = first.new_zeros(*first.shape[:-2], height, width)
    rows, columns = map(_phases, (down, right), as_pair(padding))
    for row, vertical in zip(split, rows, strict=True):
        for part, horizontal in zip(row, columns, strict=True):
            place = kernel[..., vertical, horizontal]
            if part.shape != place.shape:
                raise InputError(
                    f"these are not the phases of one {height} x {width} kernel of stride {down} x {right}",
                    expected=tuple(place.shape),
                    got=tuple(part.shape),
                )
            kernel[..., vertical, horizontal] = part
    return kernel


def interleave(phases: Sequence[Sequence[Tensor]]) -> Tensor:
    """One image from the images of its phases: `out[..., a::stride, b::stride] = phases[a][b]`.

    Shapes:
        `stride x stride` of `(..., h, w)` -> `(..., stride * h, stride * w)`.
    """
    rows = [torch.stack(list(row), -1).flatten(-2) for row in phases]
    return torch.stack(rows, -2).flatten(-3, -2)


def _phases(stride: int, padding: int) -> list[slice]:
    """The taps along one axis that each output phase sees."""
    check_options(stride=stride, padding=padding)
    return [slice((phase + padding) % stride, None, stride) for phase in range(stride)]
