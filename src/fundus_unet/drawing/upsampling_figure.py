"""One figure of what an upsampling does to a small image, for a student."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from fundus_unet.drawing.cells import (
    BOTH,
    EMPTY,
    FIRST,
    INPUT,
    SECOND,
    canvas,
    cells,
    heat_map,
    matrix,
    outline,
    title,
)
from fundus_unet.drawing.transposed_views import PALE, Kernel, numbers, pasted, two_outputs, zero_inserted
from fundus_unet.upsampling.measuring import Measurement, phase_values

TRANSPOSED = """Each row of C holds the kernel once,
so each column of Cᵀ pastes it once.
C and Cᵀ undo each other's sizes, not values.
White is 0; colours are initial weights."""
MEASURED = """Each column of M is the response
to one input value (an impulse).
White is 0; colours are initial weights."""


Panel = Callable[[Axes, Measurement], None]


def upsampling_figure(
    name: str, measured: Measurement, small: Measurement, kernel: Kernel | None, first: Panel | None = None
) -> Figure:
    """Eight panels, 1600 pixels wide, or three of the same size where the operation is not linear.

    Args:
        small: Measured on a smaller input, whose matrix can be seen.
        kernel: Given for a transposed convolution.
        first: Draws what is special of this operation, in place of the input.
    """
    (h, w), (height, width) = measured.size, measured.output_size
    linear = measured.matrix is not None and measured.overlap is not None and small.matrix is not None
    figure, panels = canvas(*((2, 4) if linear else (1, 3)))
    figure.suptitle(
        f"{name}: {h} × {w} → {height} × {width}",
        fontsize=16,
        fontweight="bold",
        y=1 - 0.12 / figure.get_figheight(),
        va="top",
    )
    (first or _input)(panels[0][0], measured)
    if measured.matrix is None or measured.overlap is None or small.matrix is None:
        _responses(panels[0][1:], measured)
        return figure
    if kernel:
        zero_inserted(panels[0][1], measured, kernel)
        pasted(panels[0][2], measured, kernel)
    else:
        _read(panels[0][1], measured, measured.matrix)
        _reached(panels[0][2], measured, measured.matrix)
    _overlap(panels[0][3], measured.overlap, kernel)
    _matrices(panels[1][:2], small, small.matrix, bool(kernel))
    _responses(panels[1][2:], measured)
    return figure


def _input(axes: Axes, measured: Measurement) -> None:
    cells(axes, np.full(measured.size, INPUT, object), numbers(measured))
    formula = f"{measured.size[0]} × {measured.size[1]} values, numbered from 0"
    if measured.matrix is None:
        formula += "; the operation is not\nlinear in them: no matrix, no overlap"
    title(axes, "Input", formula)


def _read(axes: Axes, measured: Measurement, operation: Tensor) -> None:
    reads = operation.reshape(*measured.output_size, *measured.size).numpy()
    colours = np.full(measured.size, INPUT, object)
    counts = []
    outputs = two_outputs(measured)
    for output, colour, pale in zip(outputs, (FIRST, SECOND), PALE, strict=True):
        mask = np.abs(reads[output]) > 1e-12
        colours[mask] = pale
        _surround(axes, mask, colour)
        counts.append(int(mask.sum()))
    cells(axes, colours, numbers(measured))
    title(
        axes,
        "What two outputs read",
        f"row {outputs[0][0]}, column {outputs[0][1]} reads {counts[0]} inputs (orange)\n"
        f"row {outputs[1][0]}, column {outputs[1][1]} reads {counts[1]} inputs (blue)",
    )


def _reached(axes: Axes, measured: Measurement, operation: Tensor) -> None:
    reads = operation.reshape(*measured.output_size, *measured.size).numpy()
    i, j = measured.impulse_at
    colours = np.full(measured.output_size, EMPTY, object)
    touched = [np.abs(reads[:, :, i, column]) > 1e-12 for column in (j, j + 1) if column < measured.size[1]]
    colours[sum(mask.astype(int) for mask in touched) == 2] = BOTH
    cells(axes, colours)
    for mask, colour in zip(touched, (FIRST, SECOND), strict=False):
        _surround(axes, mask, colour)
    title(
        axes,
        "Where two inputs go",
        f"each reaches {int(touched[0].sum())} outputs;\nboth reach the purple ones",
    )


def _overlap(axes: Axes, counts: Tensor, kernel: Kernel | None) -> None:
    heat_map(axes, counts, signed=False)
    phases = phase_values(counts)
    verdict = "even" if float(phases.max() - phases.min()) < 1e-9 else "uneven"
    if kernel:
        multiple = "a multiple" if kernel.size % kernel.stride == 0 else "not a multiple"
        reason = f"kernel {kernel.size} is {multiple} of stride {kernel.stride}: {verdict}"
        formula = f"{reason}\nthe four phases sum {_list(phases)}"
    else:
        formula = f"{verdict}: the four phases sum {_list(phases)}"
    title(axes, "Overlap: input and weights all one", formula)


def _matrices(panels: Sequence[Axes], small: Measurement, operation: Tensor, transposed: bool) -> None:
    (h, w), (height, width) = small.size, small.output_size
    there, back = f"{h} × {w} → {height} × {width}", f"{height} × {width} → {h} × {w}"
    shape = operation.shape
    matrix(panels[0], operation.T)
    matrix(panels[1], operation)
    if transposed:
        title(
            panels[0], "View 3: a convolution's matrix C", f"y = C x maps {back}\n{shape[1]} rows, {shape[0]} columns"
        )
        title(panels[1], "… and its transpose", f"x̂ = Cᵀ y maps {there}\n{shape[0]} rows, {shape[1]} columns")
        words = TRANSPOSED
    else:
        title(panels[0], "Its gradient's matrix Mᵀ", f"maps {back}\n{shape[1]} rows, {shape[0]} columns")
        title(panels[1], "The operation's matrix M", f"maps {there}\n{shape[0]} rows, {shape[1]} columns")
        words = MEASURED
    panels[0].text(0, -0.12, words, transform=panels[0].transAxes, fontsize=9.5, va="top", linespacing=1.4)


def _responses(panels: Sequence[Axes], measured: Measurement) -> None:
    phases = phase_values(measured.constant)
    spread = float(phases.max() - phases.min())
    heat_map(panels[0], measured.constant, signed=True)
    verdict = "a constant (away from the border)" if spread < 1e-9 else "not constant, a checkerboard"
    title(panels[0], "Response to a constant 1", f"initial weights: {verdict}\nthe four phases give {_list(phases)}")
    heat_map(panels[1], measured.impulse, signed=True)
    row, column = measured.impulse_at
    reached = int((measured.impulse.abs() > 1e-12).sum())
    title(
        panels[1],
        "Response to an impulse",
        f"initial weights; input {row * measured.size[1] + column} is 1, others 0\n{reached} outputs respond",
    )


def _surround(axes: Axes, mask: np.ndarray, colour: str) -> None:
    places = np.argwhere(mask)
    if len(places):
        (top, left), (bottom, right) = places.min(0), places.max(0)
        outline(axes, top, left, bottom - top + 1, right - left + 1, colour)


def _list(values: Tensor) -> str:
    return ", ".join(f"{value:.2g}".replace("-", "−") for value in values.flatten().tolist())
