"""Small images drawn as cells: the parts of the upsampling figure."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

# Okabe & Ito's palette: told apart with any colour vision, and in grey
FIRST, SECOND, BOTH = "#d55e00", "#0072b2", "#e3bcd3"
FIRST_PALE, SECOND_PALE = "#f5b98a", "#6fb1dc"
PHASES = (FIRST_PALE, SECOND_PALE, "#8fd3bb", BOTH)
"""Of the outputs `(i, j)` with `2 * (i % 2) + (j % 2)` 0, 1, 2 and 3."""
INPUT, BORDER, ADDED, EMPTY = "#b5dcf3", "#dcdcdc", "#f5eb80", "#ffffff"
COUNTS, SIGNED = "cividis", "PuOr_r"
LARGEST_LABELLED = 14
"""Images with longer sides get no numbers."""


SIDE, PITCH_X, PITCH_Y, TOP, MARGIN = 3.25, 3.9, 4.35, 1.35, 0.25
"""Of the panels, in inches."""


def canvas(rows: int, columns: int) -> tuple[Figure, list[list[Axes]]]:
    """A figure with a grid of equal squares, each with room for a title above and a colour bar at the right."""
    width, height = columns * PITCH_X + 0.4, TOP + (rows - 1) * PITCH_Y + SIDE + MARGIN
    figure = Figure(figsize=(width, height), dpi=100)
    panels = []
    for row in range(rows):
        bottom = height - TOP - row * PITCH_Y - SIDE
        boxes = [(MARGIN + column * PITCH_X, bottom, SIDE, SIDE) for column in range(columns)]
        panels.append([figure.add_axes((x / width, y / height, w / width, h / height)) for x, y, w, h in boxes])
    return figure, panels


def title(axes: Axes, headline: str, formula: str) -> None:
    """A headline and up to two lines below it, at the same height above every panel."""
    for text, above, style in ((headline, 0.44, "bold"), (formula, 0.4, "normal")):
        axes.annotate(
            text,
            (0, 1),
            (0, above * 72),
            xycoords="axes fraction",
            textcoords="offset points",
            va="bottom" if style == "bold" else "top",
            fontsize=12 if style == "bold" else 9.5,
            fontweight=style,
            annotation_clip=False,
        )


def cells(axes: Axes, colours: np.ndarray, texts: np.ndarray | None = None) -> None:
    """One square per colour, row 0 on top.

    Shapes:
        colours and texts `(H, W)` of strings.
    """
    height, width = colours.shape
    axes.set(xlim=(-0.55, width - 0.45), ylim=(height - 0.45, -0.55), aspect="equal", anchor="NW")
    axes.axis("off")
    labelled = texts is not None and max(height, width) <= LARGEST_LABELLED + 4
    add_cells(axes, colours, texts if labelled else None, font_size=_font_size(colours.shape))


def add_cells(
    axes: Axes,
    colours: np.ndarray,
    texts: np.ndarray | None,
    left: float = -0.5,
    top: float = -0.5,
    side: float = 1.0,
    font_size: float = 8.0,
) -> None:
    """Squares of that side, the first with its upper left corner at `(left, top)`."""
    for (row, column), colour in np.ndenumerate(colours):
        corner = left + column * side, top + row * side
        axes.add_patch(Rectangle(corner, side, side, facecolor=colour, edgecolor="#8c8c8c", linewidth=0.5))
        if texts is not None:
            x, y = (place + side / 2 for place in corner)
            axes.text(x, y, str(texts[row, column]), fontsize=font_size, ha="center", va="center")


def outline(axes: Axes, top: float, left: float, height: float, width: float, colour: str) -> None:
    """A frame around so many cells."""
    corner = left - 0.5, top - 0.5
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=colour, linewidth=2.6, zorder=4))


def heat_map(axes: Axes, values: Tensor, *, signed: bool) -> None:
    """Values as colours with a colour bar, and as numbers where they fit.

    Convention:
        signed values are centred on zero, others start at zero, so that a constant looks like one.
    """
    array = values.numpy()
    largest = float(np.abs(array).max()) or 1.0
    shown = axes.imshow(
        array,
        cmap=SIGNED if signed else COUNTS,
        vmin=-largest if signed else 0,
        vmax=largest,
        interpolation="nearest",
    )
    axes.set(xticks=[], yticks=[], anchor="NW")
    axes.figure.colorbar(shown, cax=axes.inset_axes((1.02, 0, 0.03, 1))).ax.tick_params(labelsize=8)
    if max(array.shape) > LARGEST_LABELLED:
        return
    for (row, column), value in np.ndenumerate(array):
        text = _short(float(value))
        size = _font_size(array.shape) * (1.0, 1.0, 1.0, 0.85, 0.74)[min(len(text), 4)]
        red, green, blue, _ = shown.to_rgba(value)
        ink = "black" if 0.3 * red + 0.6 * green + 0.1 * blue > 0.5 else "white"
        axes.text(column, row, text, color=ink, fontsize=size, ha="center", va="center")


def matrix(axes: Axes, values: Tensor) -> None:
    """A matrix with one cell per entry; zero is white."""
    array = values.numpy()
    largest = float(np.abs(array).max()) or 1.0
    axes.imshow(array, cmap=SIGNED, vmin=-largest, vmax=largest, interpolation="nearest")
    axes.set(xticks=[], yticks=[], anchor="NW")


def _font_size(shape: tuple[int, ...]) -> float:
    return max(4.5, min(9.5, 110 / max(shape)))


def _short(value: float) -> str:
    """Two digits: `-.12`, `3`, `1.2`; nothing for zero, so that what is not zero stands out."""
    if abs(value) < 1e-12:
        return ""
    text = f"{value:.{1 if abs(value) >= 0.995 else 2}f}".replace("0.", ".", 1)
    return text.removesuffix(".0").replace("-", "−")
