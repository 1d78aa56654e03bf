"""An interpolation, drawn: which inputs an output mixes, and with which weights."""

from fractions import Fraction

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from fundus_unet.drawing.cells import FIRST, FIRST_PALE, INPUT, SECOND, SECOND_PALE, cells, title
from fundus_unet.drawing.transposed_views import numbers, two_outputs
from fundus_unet.upsampling.interpolation import interpolate
from fundus_unet.upsampling.measuring import Measurement
from fundus_unet.upsampling.views import matrix_of

FINEST = 64
"""Largest denominator of a weight that is shown as a fraction."""
LARGEST_WITH_WEIGHTS = 12
"""Cells of inputs with longer sides are too small for fractions."""


def stencils(axes: Axes, measured: Measurement, *, mode: str, convolution: str) -> None:
    """The weights of two outputs on the inputs, and where the outputs' centres lie among them.

    Args:
        mode: Of the interpolation.
        convolution: In words, the one before or after it.
    """
    weights = interpolation_weights(measured.size, measured.output_size, mode)
    colours, texts = np.full(measured.size, INPUT, object), numbers(measured)
    told = []
    for name, output, pale in zip(("orange", "blue"), two_outputs(measured), (FIRST_PALE, SECOND_PALE), strict=True):
        stencil = weights[output]
        used = stencil.abs() > 1e-9
        colours[used.numpy()] = pale
        for row, column in used.nonzero().tolist() if max(measured.size) <= LARGEST_WITH_WEIGHTS else ():
            texts[row, column] = weight_text(float(stencil[row, column]))
        rows, columns = (", ".join(_along(stencil, axis)) for axis in (1, 0))
        told.append(f"{name}: rows {rows}; columns {columns}")
    cells(axes, colours, texts)
    for output, colour in zip(two_outputs(measured), (FIRST, SECOND), strict=True):
        sides = zip(output, measured.size, measured.output_size, strict=True)
        y, x = ((place + 0.5) * size / target - 0.5 for place, size, target in sides)
        axes.plot(x, y, "o", color=colour, markersize=4.5, zorder=5)
    title(axes, f"{mode.capitalize()} interpolation, {convolution}", "\n".join(told))


def interpolation_weights(size: tuple[int, int], output_size: tuple[int, int], mode: str) -> Tensor:
    """What each output takes of each input: (H, W, h, w), float64."""

    def operation(images: Tensor) -> Tensor:
        return interpolate(images, output_size, mode)

    return matrix_of(operation, (1, *size), torch.float64).reshape(*output_size, *size)


def weight_text(weight: float) -> str:
    """As a fraction where it is a simple one: `9/16`."""
    fraction = Fraction(weight).limit_denominator(FINEST)
    simple = abs(float(fraction) - weight) < 1e-9
    return (str(fraction) if simple else f"{weight:.2f}".replace("0.", ".", 1)).replace("-", "−")


def _along(stencil: Tensor, axis: int) -> list[str]:
    """The weights along one axis, whose products the stencil is."""
    return [weight_text(value) for value in stencil.sum(axis).tolist() if abs(value) > 1e-9]
