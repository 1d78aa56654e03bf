"""Three ways to compute a transposed convolution that PyTorch's own agrees with: slow, and meant to be read.

All take what `torch.nn.functional.conv_transpose2d` takes.

Shapes: `x (B, C_in, h, w)`, `weight (C_in, C_out / groups, kernel height, kernel width)` -> `(B, C_out, H, W)`.
Source: Dumoulin & Visin, arXiv 1603.07285, chapter 4.
"""

import math
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.arithmetic import effective_zero_border, transposed_output_size
from fundus_unet.upsampling.overlap import Pair, as_pair


def zero_insert(x: Tensor, stride: Pair) -> Tensor:
    """Puts `stride - 1` zeros between neighbouring values.

    Shapes:
        `(..., h, w) -> (..., (h - 1) * stride + 1, (w - 1) * stride + 1)`.

    Raises:
        InputError: For a stride below 1 or an empty image.
    """
    height, width = (
        transposed_output_size(size, 1, step) for size, step in zip(x.shape[-2:], as_pair(stride), strict=True)
    )
    spread = x.new_zeros(*x.shape[:-2], height, width)
    step_down, step_right = as_pair(stride)
    spread[..., ::step_down, ::step_right] = x
    return spread


def zero_bordered(
    x: Tensor, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0, output_padding: Pair = 0, dilation: Pair = 1
) -> Tensor:
    """The grid that the flipped kernel slides over with stride 1: zeros inserted, then the effective border.

    Shapes:
        `(..., h, w) -> (..., H + dilation * (kernel height - 1), W + dilation * (kernel width - 1))`.

    Raises:
        InputError: Where an argument makes no sense.
    """
    top, left = (
        effective_zero_border(*axis) for axis in zip(*map(as_pair, (kernel_size, padding, dilation)), strict=True)
    )
    below, right = as_pair(output_padding)
    return F.pad(zero_insert(x, stride), (left, left + right, top, top + below))


def by_zero_insertion(
    x: Tensor,
    weight: Tensor,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Tensor:
    """First view: insert zeros, add the border, convolve with the kernel turned by 180 degrees."""
    output_shape(x, weight, stride, padding, output_padding, dilation)
    grid = zero_bordered(x, _kernel_size(weight), stride, padding, output_padding, dilation)
    grouped = weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)  # the layout of a convolution
    return F.conv2d(grid, grouped.flip(-2, -1), dilation=dilation, groups=groups)


def by_pasting(
    x: Tensor,
    weight: Tensor,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Tensor:
    """Second view: paste the whole kernel, times the input value, at stride steps; sum overlaps; crop `padding`."""
    height, width = output_shape(x, weight, stride, padding, output_padding, dilation)
    top, left = as_pair(padding)
    channels = weight.shape[1] * groups
    canvas = x.new_zeros(x.shape[0], channels, height + 2 * top, width + 2 * left)
    for i, j, rows, columns in _footprints(x, weight, stride, dilation):
        values = x[:, :, i, j].unflatten(1, (groups, -1))
        kernels = torch.einsum("bgc,gcoyx->bgoyx", values, weight.unflatten(0, (groups, -1)))
        canvas[:, :, rows, columns] += kernels.flatten(1, 2)
    return canvas[:, :, top : top + height, left : left + width]


def by_matrix(
    x: Tensor,
    weight: Tensor,
    stride: Pair = 1,
    padding: Pair = 0,
    output_padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
) -> Tensor:
    """Third view: `C^T x`, where `C` is the matrix of the convolution with the same weight that maps back."""
    size = output_shape(x, weight, stride, padding, output_padding, dilation)
    channels = weight.shape[1] * groups
    matrix = convolution_matrix(weight, size, stride, padding, groups, dilation, output_size=tuple(x.shape[-2:]))
    return (x.flatten(1) @ matrix).unflatten(1, (channels, *size))


def convolution_matrix(
    weight: Tensor,
    size: tuple[int, int],
    stride: Pair = 1,
    padding: Pair = 0,
    groups: int = 1,
    dilation: Pair = 1,
    output_size: tuple[int, ...] | None = None,
) -> Tensor:
    """The dense matrix `C` with `conv2d(x).flatten() = C x.flatten()`. Small sizes only: it has every pair of pixels.

    Shapes:
        weight `(C_out, C_in / groups, kernel height, kernel width)` on `size` -> `(C_out * h * w, C_in * H * W)`.

    Convention:
        `output_size` keeps the first rows and columns of the convolution's output only. A transposed convolution
        needs that where `output_padding >= stride`, which only `dilation > stride` allows.
    """

    def convolve(image: Tensor) -> Tensor:
        out = F.conv2d(image, weight, None, stride, padding, dilation, groups)
        return out if output_size is None else out[..., : output_size[0], : output_size[1]]

    return matrix_of(convolve, (weight.shape[1] * groups, *size), weight.dtype)


def matrix_of(operation: Callable[[Tensor], Tensor], shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """The matrix of any linear operation, measured: its columns are the responses to unit impulses.

    Shapes:
        `operation: (B, *shape) -> (B, *out)` gives `(prod(out), prod(shape))`.
    """
    impulses = torch.eye(math.prod(shape), dtype=dtype).view(-1, *shape)
    return operation(impulses).flatten(1).T


def output_shape(
    x: Tensor, weight: Tensor, stride: Pair, padding: Pair, output_padding: Pair, dilation: Pair
) -> tuple[int, int]:
    """`(H, W)` of the transposed convolution.

    Raises:
        InputError: Where an argument makes no sense, or `x` and `weight` do not belong together.
    """
    if x.ndim != 4 or weight.ndim != 4 or x.shape[1] != weight.shape[0]:
        raise InputError(
            "input and weight of a transposed convolution do not belong together",
            expected="x (B, C_in, h, w) and weight (C_in, C_out / groups, kernel height, kernel width)",
            got=f"x {tuple(x.shape)} and weight {tuple(weight.shape)}",
        )
    size, kernel_size = (x.shape[2], x.shape[3]), _kernel_size(weight)
    options = zip(*map(as_pair, (size, kernel_size, stride, padding, output_padding, dilation)), strict=True)
    height, width = (transposed_output_size(*axis) for axis in options)
    return height, width


def _kernel_size(weight: Tensor) -> tuple[int, int]:
    return weight.shape[-2], weight.shape[-1]


def _footprints(x: Tensor, weight: Tensor, stride: Pair, dilation: Pair) -> Iterator[tuple[int, int, slice, slice]]:
    """For each input pixel `(i, j)` the rows and columns of the uncropped output that it spreads over: `k x k`."""
    (down, right), (gap_y, gap_x), (tall, wide) = as_pair(stride), as_pair(dilation), _kernel_size(weight)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            rows = slice(i * down, i * down + gap_y * (tall - 1) + 1, gap_y)
            columns = slice(j * right, j * right + gap_x * (wide - 1) + 1, gap_x)
            yield i, j, rows, columns
