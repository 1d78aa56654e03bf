"""What a probability of vessel says against what is observed, for a person to see at a glance."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

# Okabe & Ito's palette: told apart with any colour vision, and in grey
TOO_HIGH, TOO_LOW, LINE = "#e69f00", "#56b4e9", "#0072b2"
STYLES = ("--", ":")
WIDTH, HEIGHT = 5.2, 6.8
"""In inches: so that the diagonal has 45 degrees."""


def reliability_diagram(
    edges: Sequence[float],
    mean_probability: Sequence[float],
    vessel_fraction: Sequence[float],
    pixels: Sequence[int],
    title: str,
    thresholds: Mapping[str, float],
) -> Figure:
    """The observed fraction of vessel pixels over the probability, above the number of pixels of each bin.

    On the diagonal the probability means what it says; what lies between it and the points is coloured by its sign.

    Args:
        thresholds: By what they are called; marked in both panels: two.

    Shapes:
        edges (bins + 1), all others (bins); a bin without pixels is nan, and is left out.
    """
    said, observed, counts = (np.asarray(values, float) for values in (mean_probability, vessel_fraction, pixels))
    seen = counts > 0
    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=120)
    upper, lower = (figure.add_axes((0.14, bottom, 0.81, height)) for bottom, height in ((0.295, 0.62), (0.085, 0.16)))
    figure.suptitle(title.replace("$", r"\$"), fontsize=11, fontweight="bold", x=0.14, y=0.985, ha="left")
    _gap(upper, said[seen], observed[seen])
    upper.plot((0, 1), (0, 1), color="#000000", linewidth=1.2, label="calibrated")
    upper.plot(said[seen], observed[seen], "o-", color=LINE, markersize=5, linewidth=1.6, label="observed", zorder=4)
    upper.set(ylim=(0, 1), ylabel="observed fraction of vessel pixels")
    upper.yaxis.set_major_locator(MultipleLocator(0.2))
    lower.bar(edges[:-1], counts, np.diff(edges), align="edge", color="#d9d9d9", edgecolor="#777777", linewidth=0.6)
    lower.set_yscale("log")
    lower.set(ylim=(0.8, 3 * counts.max()), xlabel="probability of vessel", ylabel="pixels")
    for axes in (upper, lower):
        for (name, threshold), style in zip(thresholds.items(), STYLES, strict=True):
            label = f"{name}, {threshold:.2f}" if axes is upper else None
            axes.axvline(threshold, color="#555555", linewidth=1.1, linestyle=style, label=label)
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_locator(MultipleLocator(0.2))
        axes.grid(color="#e5e5e5", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=9, labelbottom=axes is lower)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    free: Literal["upper left", "lower right"]
    free = "upper left" if float((observed - said)[seen].mean()) <= 0 else "lower right"
    upper.legend(loc=free, fontsize=8.5, framealpha=0.9)
    return figure


def _gap(axes: Axes, said: np.ndarray, observed: np.ndarray) -> None:
    """Between the diagonal and the line through the points."""
    x = np.linspace(said.min(), said.max(), 512)
    y = np.interp(x, said, observed)
    for colour, name, part in ((TOO_HIGH, "probability too high", y < x), (TOO_LOW, "probability too low", y > x)):
        if part.any():
            axes.fill_between(x, x, y, where=part, color=colour, linewidth=0, alpha=0.75, label=name)
