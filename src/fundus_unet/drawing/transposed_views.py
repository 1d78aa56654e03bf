"""Two views of a transposed convolution, drawn: inserting zeros and pasting kernels."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from fundus_unet.drawing.cells import (
    ADDED,
    BORDER,
    BOTH,
    EMPTY,
    FIRST,
    FIRST_PALE,
    INPUT,
    SECOND,
    SECOND_PALE,
    cells,
    outline,
    title,
)
from fundus_unet.upsampling.arithmetic import effective_zero_border, output_padding_for, transposed_formula
from fundus_unet.upsampling.measuring import Measurement

PALE = (FIRST_PALE, SECOND_PALE)


@dataclass(frozen=True)
class Kernel:
    """A square transposed convolution, whose arithmetic the figure shows."""

    size: int
    stride: int
    padding: int

    def output_paddings(self, measured: Measurement) -> list[int]:
        sides = zip(measured.output_size, measured.size, strict=True)
        return [output_padding_for(target, side, self.size, self.stride, self.padding) for target, side in sides]


def zero_inserted(axes: Axes, measured: Measurement, kernel: Kernel) -> None:
    """View 1: the input with zeros inserted, its border, and the inputs that two outputs see."""
    border, added = effective_zero_border(kernel.size, kernel.padding), kernel.output_paddings(measured)
    inner = [(side - 1) * kernel.stride + 1 for side in measured.size]
    colours = np.full([side + 2 * border + extra for side, extra in zip(inner, added, strict=True)], ADDED, object)
    texts = np.full(colours.shape, "", object)
    colours[: inner[0] + 2 * border, : inner[1] + 2 * border] = BORDER
    inside = slice(border, border + inner[0]), slice(border, border + inner[1])
    colours[inside] = EMPTY
    colours[inside][:: kernel.stride, :: kernel.stride] = INPUT
    texts[inside][:: kernel.stride, :: kernel.stride] = numbers(measured)
    seen = []
    for (top, left), colour, pale in zip(two_outputs(measured), (FIRST, SECOND), PALE, strict=True):
        outline(axes, top, left, kernel.size, kernel.size, colour)
        window = colours[top : top + kernel.size, left : left + kernel.size]
        seen.append(int((window == INPUT).sum()))
        window[window == INPUT] = pale
    cells(axes, colours, texts)
    yellow = f"; output_padding {max(added)}: yellow" if any(added) else ""
    title(
        axes,
        "View 1: insert zeros, convolve",
        f"border 1 · ({kernel.size} − 1) − {kernel.padding} = {border}{yellow}\n"
        f"the flipped kernel covers {seen[0]} (orange), {seen[1]} (blue) inputs",
    )


def pasted(axes: Axes, measured: Measurement, kernel: Kernel) -> None:
    """View 2: the kernels of two neighbouring inputs, pasted and cropped."""
    added, crop = kernel.output_paddings(measured), kernel.padding
    (h, w), (height, width) = measured.size, measured.output_size
    colours = np.full((height + 2 * crop, width + 2 * crop), BORDER, object)
    colours[crop : crop + height, crop : crop + width] = EMPTY
    marks = np.zeros(colours.shape, int)
    i, j = measured.impulse_at
    footprints = [(i * kernel.stride, column * kernel.stride) for column in (j, j + 1) if column < w]
    for top, left in footprints:
        marks[top : top + kernel.size, left : left + kernel.size] += 1
    colours[marks == 2] = BOTH
    cells(axes, colours)
    for (top, left), colour in zip(footprints, (FIRST, SECOND), strict=False):
        outline(axes, top, left, kernel.size, kernel.size, colour)
    cropped = "the grey" if crop else "nothing"
    formula = transposed_formula(h, kernel.size, kernel.stride, kernel.padding, added[0])
    title(
        axes,
        "View 2: paste the kernel, add up",
        f"{kernel.size} × {kernel.size} per input, {kernel.stride} apart; padding {crop} crops {cropped}\n"
        f"{formula.replace('*', '·').replace('-', '−')} = {height}",
    )


def two_outputs(measured: Measurement) -> tuple[tuple[int, int], tuple[int, int]]:
    """Two outputs whose phases differ on both axes, far enough apart to be drawn."""
    height, width = measured.output_size
    first = height // 12 * 2, width // 12 * 2
    return first, (min(height * 7 // 24 * 2 + 1, height - 1), min(width * 7 // 24 * 2 + 1, width - 1))


def numbers(measured: Measurement) -> np.ndarray:
    """The inputs, numbered from 0 row by row, as texts."""
    h, w = measured.size
    return np.arange(h * w).reshape(h, w).astype(str).astype(object)
