"""Plots that stay readable in print and for colour-blind readers: markers besides colours."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fundus_unet.drawing.png import png_bytes
from fundus_unet.metrics.registry import METRICS

# Okabe & Ito's palette without its yellow, which vanishes on paper
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h", "d")
RESOLUTION = 160


def differences_figure(differences: Mapping[str, Mapping[str, Mapping[str, Any]]], control: str) -> bytes:
    """Differences to the control with their intervals, one panel per metric; a PNG.

    Args:
        differences: `{metric: {variant: {mean, interval, corrected_interval}}}`; intervals may be None.
    """
    variants = list(dict.fromkeys(variant for panel in differences.values() for variant in panel))
    height = 0.36 * len(variants) + 1.1
    figure = Figure(figsize=(2.5 * len(differences) + 2.2, height), layout="constrained", dpi=RESOLUTION)
    axes = figure.subplots(1, len(differences), sharey=True, squeeze=False)[0]
    for axis, (metric, panel) in zip(axes, differences.items(), strict=True):
        axis.axvline(0, color="#555555", linewidth=1)
        for row, variant in enumerate(variants):
            if variant not in panel:
                continue
            one = panel[variant]
            if one["corrected_interval"]:
                axis.plot(one["corrected_interval"], (row, row), color=COLOURS[0], linewidth=1)
            if one["interval"]:
                axis.plot(one["interval"], (row, row), color=COLOURS[0], linewidth=4, solid_capstyle="butt", alpha=0.75)
            axis.plot(one["mean"], row, "o", color="white", markeredgecolor="#000000", markersize=6)
        axis.set_title(METRICS[metric].title, fontsize=10)
        axis.grid(axis="x", color="#e5e5e5")
        axis.tick_params(labelsize=8)
        axis.locator_params(axis="x", nbins=5)
        _bare(axis)
    axes[0].set_yticks(range(len(variants)), map(_plain, variants))
    axes[0].set_ylim(len(variants) - 0.5, -0.5)
    figure.supxlabel(f"difference to {_plain(control)}", fontsize=9)
    return png_bytes(figure)


def accuracy_speed_figure(
    scores: Mapping[str, tuple[float, Sequence[float]]], ratios: Mapping[str, Sequence[float]], control: str, timed: str
) -> bytes:
    """Dice over relative time, one marker per variant, in a PNG; dots are single seeds, bars quartiles of the time.

    Args:
        scores: `{variant: (mean, of the seeds)}`.
        ratios: `{variant: (median, lower and upper quartile)}` of the time over the control's.
        timed: What takes this time.
    """
    figure = Figure(figsize=(7.6, 3.6), layout="constrained", dpi=RESOLUTION)
    axis = figure.subplots()
    for number, (variant, (mean, seeds)) in enumerate(scores.items()):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        median, *quartiles = ratios[variant]
        axis.plot([median] * len(seeds), seeds, ".", color=colour, markersize=4, alpha=0.8)
        axis.plot(quartiles, (mean, mean), color=colour, linewidth=1)
        axis.plot(median, mean, marker, color=colour, markersize=9, markeredgecolor="black", label=_plain(variant))
    axis.axvline(1, color="#999999", linewidth=0.8, linestyle=":")
    axis.set_xlabel(f"time of {timed}, times that of {_plain(control)} (left is faster)", fontsize=9)
    axis.set_ylabel("Dice", fontsize=9)
    axis.grid(color="#eeeeee")
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    _bare(axis)
    return png_bytes(figure)


def _bare(axis: Axes) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _plain(name: str) -> str:
    """So that matplotlib sets no formula."""
    return name.replace("$", r"\$")
