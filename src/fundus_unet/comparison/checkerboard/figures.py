"""Checkerboards of many networks side by side."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

SIGNED, POWER = "PuOr_r", "cividis"
MOST_CHANNELS = 16
ACROSS = 6
PANEL = 2.3
"""Inches."""
LINTHRESH = 0.02
"""Standard deviations up to which the colours of phase means are linear; beyond they are logarithmic, because an
untrained network's are a hundred times a trained one's."""

Panels = Sequence[tuple[str, np.ndarray]]


def phase_means_figure(networks: Sequence[tuple[str, Mapping[str, np.ndarray]]]) -> Figure:
    """A row per network, a column per place; of each place up to 16 channels, as cells of one period.

    Shapes:
        `{place: (C, p, p)}`, in standard deviations of each channel.
    """
    places = list(dict.fromkeys(place for _, means in networks for place in means))
    largest = max([1.0, *(float(np.abs(values).max()) for _, means in networks for values in means.values())])
    norm = SymLogNorm(LINTHRESH, vmin=-largest, vmax=largest)
    longest = max(len(line) for title, _ in networks for line in title.split("\n"))
    names, row = max(2.2, 0.3 + 0.088 * longest), 1.35  # inches; a letter is 0.088 wide
    width = max(7.5, names + 0.4 + 1.35 * len(places))
    height = 1.25 + row * len(networks)
    figure = Figure(figsize=(width, height), dpi=100)
    for number, (title, means) in enumerate(networks):
        bottom = 1 - (0.95 + row * (number + 1)) / height
        figure.text(0.1 / width, bottom + 0.55 * row / height, title, fontsize=10, va="center")
        for column, place in enumerate(places):
            if place not in means:
                continue
            box = ((names + 1.35 * column) / width, bottom + 0.05 * row / height, 1.2 / width, 1.2 / height)
            axes = figure.add_axes(box)
            axes.imshow(mosaic(means[place]), cmap=SIGNED, norm=norm, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set_visible(False)
            if number == 0:
                axes.set_title(place.replace(", ", "\n"), fontsize=10)
    figure.text(0.1 / width, 1 - 0.22 / height, "Phase means", fontsize=13, fontweight="bold", va="center")
    bar = figure.add_axes(((width - 0.35 - 2.6) / width, 1 - 0.3 / height, 2.6 / width, 0.12 / height))
    ticks = [-1, -0.1, 0, 0.1, 1]
    colours = figure.colorbar(ScalarMappable(norm, SIGNED), cax=bar, orientation="horizontal", ticks=ticks)
    colours.ax.set_xticklabels([f"{tick:g}" for tick in ticks], fontsize=8)
    colours.ax.minorticks_off()
    figure.text((width - 3.05) / width, 1 - 0.24 / height, "standard deviations of the map", fontsize=9, ha="right")
    return figure


def residual_figure(rows: Sequence[Panels]) -> Figure:
    """Outputs less their local means, in standard deviations of the output: {title: (h, w)} in rows.

    Every row has a scale of its own, because a trained network's residual is small beside that at initialization.
    """
    largest = [max(float(np.quantile(np.abs([panel for _, panel in row]), 0.99)), 1e-3) for row in rows]
    norms = [Normalize(-value, value) for value in largest]
    title = "Output less its local mean, amplified: a detail"
    return _gallery(rows, title, "standard deviations of the output", SIGNED, norms)


def spectrum_figure(rows: Sequence[Panels], periods: Sequence[int]) -> Figure:
    """Spectra with the grid lines' places marked: {title: (n, n)} in decibels over the surroundings.

    Every row has a scale of its own.

    Convention:
        zero frequency in the middle, half the sampling rate at the border.
    """

    def mark(axes: Axes, panel: np.ndarray) -> None:
        side = len(panel)
        spots = sorted({(column, row) for period in periods for column, row in _grid_spots(side, period)})
        x, y = zip(*spots, strict=True)
        axes.scatter(x, y, s=110, facecolors="none", edgecolors="white", linewidths=0.8)
        rim = 0.03 * side
        axes.set(xlim=(-0.5 - rim, side - 0.5 + rim), ylim=(side - 0.5 + rim, -0.5 - rim), facecolor="#444444")

    listed = ", ".join(str(period) for period in periods)
    title = f"Power by frequency; circles: grids of period {listed}"
    values = [np.concatenate([panel.ravel() for _, panel in row]) for row in rows]
    norms = [Normalize(float(np.quantile(value, 0.02)), float(np.quantile(value, 0.999))) for value in values]
    return _gallery(rows, title, "dB over the frequencies around", POWER, norms, mark)


def mosaic(patterns: np.ndarray) -> np.ndarray:
    """Up to 16 patterns in a square of cells with gaps of nan: (C, p, p) -> (h, w)."""
    shown = patterns[:MOST_CHANNELS]
    across = int(np.ceil(len(shown) ** 0.5))
    side, gap = shown.shape[-1], 1 if len(shown) > 1 else 0
    rows = -(-len(shown) // across)
    panel = np.full((rows * (side + gap) - gap, across * (side + gap) - gap), np.nan)
    for number, pattern in enumerate(shown):
        top, left = (index * (side + gap) for index in divmod(number, across))
        panel[top : top + side, left : left + side] = pattern
    return panel


def _grid_spots(side: int, period: int) -> list[tuple[int, int]]:
    centre, step = side // 2, side // period
    axis = (centre - step, centre, centre + step)
    spots = [(column, row) for column in axis for row in axis if (column, row) != (centre, centre)]
    return [(column, row) for column, row in spots if column < side and row < side]


def _gallery(
    rows: Sequence[Panels],
    title: str,
    unit: str,
    cmap: str,
    norms: Sequence[Normalize],
    mark: Callable[[Axes, np.ndarray], Any] = lambda axes, panel: None,
) -> Figure:
    """Figures in lines of about equal length, at most `ACROSS`; each row starts a new line and has a colour scale."""
    lines = []
    for row, norm in zip(rows, norms, strict=True):
        across = -(-len(row) // -(-len(row) // ACROSS))
        starts = range(0, len(row), across)
        lines += [(row[start : start + across], norm, start == starts[-1]) for start in starts]
    across = max(3, *(len(line) for line, _, _ in lines))
    pitch_x, pitch_y, scale = PANEL + 0.15, PANEL + 0.5, 0.55
    width, height = across * pitch_x + 0.2, len(lines) * pitch_y + len(rows) * scale + 0.5
    figure = Figure(figsize=(width, height), dpi=110)
    bottom = height - 0.5
    for line, norm, last in lines:
        bottom -= pitch_y
        for column, (caption, panel) in enumerate(line):
            axes = figure.add_axes(((0.15 + column * pitch_x) / width, bottom / height, PANEL / width, PANEL / height))
            axes.imshow(panel, cmap=cmap, norm=norm, interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.set_title(caption, fontsize=8.5)
            mark(axes, panel)
        if last:
            bottom -= scale
            bar = figure.add_axes((0.15 / width, (bottom + 0.35) / height, 3 / width, 0.13 / height))
            colours = figure.colorbar(ScalarMappable(norm, cmap), cax=bar, orientation="horizontal", extend="both")
            colours.ax.tick_params(labelsize=8)
            colours.locator = MaxNLocator(5)
            colours.update_ticks()
            figure.text(3.3 / width, (bottom + 0.41) / height, unit, fontsize=9, va="center")
    figure.text(0.15 / width, 1 - 0.25 / height, title, fontsize=12, fontweight="bold", va="center")
    return figure
