"""Pixel shuffle, drawn: how four channels at the low resolution become blocks of two by two outputs."""

import numpy as np
from matplotlib.axes import Axes

from fundus_unet.drawing.cells import FIRST, PHASES, add_cells, title
from fundus_unet.drawing.transposed_views import numbers
from fundus_unet.upsampling.measuring import Measurement

SHOWN, PITCH, OUTPUT_SIDE = 3, 3.6, 1.6
"""Inputs along a side; from channel to channel; the side of an output. An input is 1 wide."""


def shuffle(axes: Axes, measured: Measurement) -> None:
    """The first inputs of the four channels of one output channel, and the outputs that they become."""
    h, w = (min(SHOWN, side) for side in measured.size)
    shown = numbers(measured)[:h, :w]
    across = 3 * PITCH + SHOWN
    for channel, colour in enumerate(PHASES):
        left = channel * PITCH + (SHOWN - w) / 2
        add_cells(axes, np.full((h, w), colour, object), shown, left, 0)
        axes.text(left + w / 2, -0.25, f"channel {channel}", fontsize=9, ha="center", va="bottom")
    top, left = h + 1.7, (across - 2 * w * OUTPUT_SIDE) / 2
    axes.annotate(
        "", (across / 2, top - 0.2), (across / 2, h + 0.3), arrowprops={"arrowstyle": "-|>", "color": "#444444"}
    )
    add_cells(axes, phase_colours(2 * h, 2 * w), shown.repeat(2, 0).repeat(2, 1), left, top, OUTPUT_SIDE)
    row, column = (h - 1) // 2, (w - 1) // 2
    for channel in range(4):
        _frame(axes, channel * PITCH + (SHOWN - w) / 2 + column, row, 1)
    _frame(axes, left + 2 * column * OUTPUT_SIDE, top + 2 * row * OUTPUT_SIDE, 2 * OUTPUT_SIDE)
    bottom = top + 2 * h * OUTPUT_SIDE
    axes.set(xlim=(-0.1, across + 0.1), ylim=(bottom + 0.1, -1), aspect="equal", anchor="NW")
    axes.axis("off")
    title(
        axes,
        "Four channels become blocks",
        "output (i, j) is channel 2 · (i mod 2) + (j mod 2)\nat input (i // 2, j // 2), all counted from 0",
    )


def phase_colours(height: int, width: int) -> np.ndarray:
    """The colour of each output's phase: (H, W) of strings."""
    rows, columns = np.indices((height, width)) % 2
    colours: np.ndarray = np.array(PHASES, object)[2 * rows + columns]
    return colours


def _frame(axes: Axes, left: float, top: float, side: float) -> None:
    x = [left, left + side, left + side, left, left]
    y = [top, top, top + side, top + side, top]
    axes.plot(x, y, color=FIRST, linewidth=2.4, solid_joinstyle="miter", zorder=4)
