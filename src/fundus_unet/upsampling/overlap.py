"""How many kernel taps are summed into each output of a transposed convolution.

Where the counts differ between neighbours, equal inputs and equal weights give a grid: the checkerboard.

Source: Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
"""

import torch
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.arithmetic import check_options, transposed_output_size

Pair = int | tuple[int, int]
"""One integer for both axes, or `(vertical, horizontal)`."""


def as_pair(value: Pair) -> tuple[int, int]:
    """`(vertical, horizontal)` from one integer or two.

    Raises:
        InputError: For anything else.
    """
    if isinstance(value, int):
        return value, value
    if len(value) != 2:
        raise InputError("an image has two axes", expected="one integer, or two", got=value)
    return value[0], value[1]


def tap_counts(
    size: int, kernel_size: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> Tensor:
    """Taps per output along one axis: `#{(i, t): i * stride + t * dilation - padding = o}` for each output `o`.

    Shapes:
        `(H_out,)`, int64.

    Raises:
        InputError: Where `transposed_output_size` does.
    """
    length = transposed_output_size(size, kernel_size, stride, padding, output_padding, dilation)
    inputs, taps = torch.arange(size)[:, None], torch.arange(kernel_size)
    reached = (inputs * stride + taps * dilation - padding).flatten()
    return reached[(reached >= 0) & (reached < length)].bincount(minlength=length)


def overlap_map(
    size: Pair,
    kernel_size: Pair,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    dilation: Pair = 1,
) -> Tensor:
    """Taps per output pixel: the product of the counts along the axes.

    It is the response of a transposed convolution whose kernel is all ones to an image that is all ones.

    Shapes:
        `(H_out, W_out)`, int64.

    Raises:
        InputError: Where `transposed_output_size` does.
    """
    options = zip(*map(as_pair, (size, kernel_size, stride, padding, output_padding, dilation)), strict=True)
    rows, columns = (tap_counts(*axis) for axis in options)
    return torch.outer(rows, columns)


def phase_tap_counts(kernel_size: int, stride: int, padding: int = 0, dilation: int = 1) -> Tensor:
    """Taps per output along one axis, away from the border, for each phase `o mod stride`.

    `#{t: t * dilation = o + padding (mod stride)}`. They sum to `kernel_size`, and all are equal if `stride` divides
    `kernel_size` and shares no factor with `dilation`.

    Shapes:
        `(stride,)`, int64.

    Raises:
        InputError: Where an argument makes no sense.
    """
    check_options(1, kernel_size, stride, padding, dilation)
    phases = (torch.arange(kernel_size) * dilation - padding) % stride
    return phases.bincount(minlength=stride)


def phase_overlap(kernel_size: Pair, stride: Pair, padding: Pair = 0, dilation: Pair = 1) -> Tensor:
    """Taps per output pixel, away from the border, for each phase `(i mod stride, j mod stride)`.

    Shapes:
        `(vertical stride, horizontal stride)`, int64.

    Raises:
        InputError: Where an argument makes no sense.
    """
    options = zip(*map(as_pair, (kernel_size, stride, padding, dilation)), strict=True)
    rows, columns = (phase_tap_counts(*axis) for axis in options)
    return torch.outer(rows, columns)
