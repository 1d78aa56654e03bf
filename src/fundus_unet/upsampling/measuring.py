"""What an upsampler does, found out by feeding it impulses, constants and sizes: nothing is assumed about its kind."""

import copy
import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fundus_unet.core.counting import count_flops
from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.upsampler import Upsampler
from fundus_unet.upsampling.views import matrix_of


@dataclass(frozen=True)
class Measurement:
    """Responses from input channel 0 to output channel 0, less the response to zero (the bias).

    Shapes:
        `(H, W)` = `output_size` each; `matrix (H * W, h * w)`. `matrix` and `overlap` are None for an operation
        that is not linear in its input.
    """

    size: tuple[int, int]
    output_size: tuple[int, int]
    constant: Tensor
    impulse: Tensor
    matrix: Tensor | None
    overlap: Tensor | None

    @property
    def impulse_at(self) -> tuple[int, int]:
        return (self.size[0] - 1) // 2, (self.size[1] - 1) // 2


def measure(upsampler: Upsampler, size: tuple[int, int], output_size: tuple[int, int]) -> Measurement:
    """Responses of `upsampler` in double precision; the weights stay as they are.

    Raises:
        InputError: Where `output_size` cannot be reached.
    """
    exact = copy.deepcopy(upsampler).double()
    linear = is_linear(upsampler, size, output_size)
    ones = torch.ones(1, 1, *size, dtype=torch.float64)
    impulse = torch.zeros_like(ones)
    impulse[..., (size[0] - 1) // 2, (size[1] - 1) // 2] = 1
    return Measurement(
        size,
        output_size,
        constant=_response(exact, ones.expand(1, upsampler.in_channels, *size), output_size)[0, 0],
        impulse=_response(exact, _in_first_channel(impulse, upsampler), output_size)[0, 0],
        matrix=operation_matrix(upsampler, size, output_size) if linear else None,
        overlap=overlap_of(upsampler, size, output_size) if linear else None,
    )


def operation_matrix(upsampler: Upsampler, size: tuple[int, int], output_size: tuple[int, int]) -> Tensor:
    """The matrix from input channel 0 to output channel 0; of a transposed convolution it is `C^T`.

    Shapes:
        `(H * W, h * w)`, float64. Small sizes only.
    """
    exact = copy.deepcopy(upsampler).double()

    def operation(images: Tensor) -> Tensor:
        return _response(exact, _in_first_channel(images, exact), output_size)[:, 0]

    return matrix_of(operation, (1, *size), torch.float64)


def overlap_of(upsampler: Upsampler, size: tuple[int, int], output_size: tuple[int, int]) -> Tensor:
    """Response to all ones with every weight set to one and every bias to zero: products summed into each output.

    Shapes:
        `(H, W)`, float64.
    """
    ones = copy.deepcopy(upsampler).double()
    with torch.no_grad():
        for parameter in ones.parameters():
            parameter.fill_(1.0 if parameter.ndim > 1 else 0.0)
    image = torch.ones(1, 1, *size, dtype=torch.float64)
    return _response(ones, _in_first_channel(image, ones), output_size)[0, 0]


def is_linear(upsampler: Upsampler, size: tuple[int, int], output_size: tuple[int, int]) -> bool:
    """Whether the response to a sum is the sum of the responses, whatever the weights are."""
    exact = copy.deepcopy(upsampler).double()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in exact.parameters():  # some operations start as a linear one
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    first, second = torch.randn(2, 1, exact.in_channels, *size, generator=generator, dtype=torch.float64)
    both, one, other = (_response(exact, x, output_size) for x in (first + second, first, second))
    return torch.allclose(both, one + other, rtol=1e-9, atol=1e-9)


def reachable_sizes(upsampler: Upsampler, size: tuple[int, int]) -> tuple[list[int], list[int]]:
    """Output heights and widths up to `3 * size + 2` that `upsampler` accepts, each beside one of the other axis.

    Raises:
        InputError: Where it accepts nothing near twice the size.
    """
    rows, columns = ((2 * side, 2 * side - 1, 2 * side + 1) for side in size)
    near = itertools.product(rows, columns)
    height, width = next((pair for pair in near if _accepts(upsampler, size, pair)), (0, 0))
    if not height:
        raise InputError("the upsampler reaches no size near twice its input", got=f"input {size}")
    heights = [other for other in range(1, 3 * size[0] + 3) if _accepts(upsampler, size, (other, width))]
    widths = [other for other in range(1, 3 * size[1] + 3) if _accepts(upsampler, size, (height, other))]
    return heights, widths


def nearest_to_double(upsampler: Upsampler, size: tuple[int, int]) -> tuple[int, int]:
    """The reachable output size next to twice the input."""
    height, width = (
        min(sides, key=lambda side: abs(side - 2 * source))
        for sides, source in zip(reachable_sizes(upsampler, size), size, strict=True)
    )
    return height, width


def flops_per_output_pixel(upsampler: Upsampler, size: tuple[int, int], output_size: tuple[int, int]) -> float:
    """Floating-point operations of the convolutions, two per product, over `H * W`; resizing is not counted."""
    x = torch.zeros(1, upsampler.in_channels, *size)
    with torch.no_grad():
        return count_flops(lambda: upsampler(x, output_size)) / math.prod(output_size)


def phase_values(image: Tensor) -> Tensor:
    """The four neighbours at the centre, one of each phase `(i mod 2, j mod 2)`.

    Shapes:
        `(H, W) -> (2, 2)`, less where the image has a side of one pixel.
    """
    top, left = (side // 4 * 2 if side > 2 else 0 for side in image.shape)
    return image[top : top + 2, left : left + 2]


def _accepts(upsampler: Upsampler, size: tuple[int, int], output_size: tuple[int, int]) -> bool:
    try:
        with torch.no_grad():
            upsampler(torch.zeros(1, upsampler.in_channels, *size), output_size)
    except InputError:
        return False
    return True


@torch.no_grad()
def _response(upsampler: Upsampler, x: Tensor, output_size: tuple[int, int]) -> Tensor:
    return upsampler(x, output_size) - upsampler(torch.zeros_like(x[:1]), output_size)


def _in_first_channel(images: Tensor, upsampler: Upsampler) -> Tensor:
    channels = images.new_zeros(images.shape[0], upsampler.in_channels, *images.shape[-2:])
    channels[:, :1] = images
    return channels
