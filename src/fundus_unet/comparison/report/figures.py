"""Plots that stay readable in print and for colour-blind raters: direct labels, markers besides colours."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fundus_unet.drawing.png import write_png

# Okabe & Ito's palette without its yellow, which vanishes on paper
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">", "h", "d")
RESOLUTION = 160
Interval = tuple[float, float]


def forest(
    path: Path,
    panels: Mapping[str, Mapping[str, tuple[float, Interval | None, Interval | None]]],
    control: str,
) -> None:
    """Differences to the control with their intervals, one panel per metric.

    Args:
        panels: `{metric title: {variant: (difference, 95 % interval, corrected interval)}}`.
    """
    variants = list(dict.fromkeys(variant for panel in panels.values() for variant in panel))
    figure = Figure(figsize=(3.1 * len(panels) + 1.9, 0.42 * len(variants) + 1.5), layout="constrained", dpi=RESOLUTION)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (title, panel) in zip(axes, panels.items(), strict=True):
        axis.axvline(0, color="#555555", linewidth=1)
        for row, variant in enumerate(variants):
            if variant not in panel:
                continue
            difference, interval, corrected = panel[variant]
            if corrected:
                axis.plot(corrected, (row, row), color=COLOURS[0], linewidth=1)
            if interval:
                axis.plot(interval, (row, row), color=COLOURS[0], linewidth=4, solid_capstyle="butt", alpha=0.75)
            axis.plot(difference, row, "o", color="white", markeredgecolor="#000000", markersize=6)
        axis.set_title(title, fontsize=10)
        axis.grid(axis="x", color="#e5e5e5")
        axis.tick_params(labelsize=8)
        axis.locator_params(axis="x", nbins=5)
        _bare(axis)
    axes[0].set_yticks(range(len(variants)), variants)
    axes[0].set_ylim(len(variants) - 0.5, -0.5)
    figure.supxlabel(f"difference to {control}", fontsize=9)
    write_png(path, figure)


def accuracy_against_speed(
    path: Path,
    points: Mapping[str, tuple[float, Sequence[float], float, Interval]],
    control: str,
    accuracy_title: str,
    speed_title: str,
) -> None:
    """Mean score over time ratio, one marker per variant; thin dots are single seeds.

    Args:
        points: `{variant: (mean score, scores of the seeds, time ratio to the control, its quartiles)}`.
    """
    figure = Figure(figsize=(8.2, 4.6), layout="constrained", dpi=RESOLUTION)
    axis = figure.subplots()
    for number, (variant, (mean, seeds, ratio, quartiles)) in enumerate(points.items()):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axis.plot([ratio] * len(seeds), seeds, ".", color=colour, markersize=4, alpha=0.8)
        axis.plot(quartiles, (mean, mean), color=colour, linewidth=1)
        axis.plot(ratio, mean, marker, color=colour, markersize=9, markeredgecolor="black", label=variant)
    axis.axvline(1, color="#999999", linewidth=0.8, linestyle=":")
    axis.set_xlabel(f"{speed_title}, times that of {control} (lower is faster)", fontsize=9)
    axis.set_ylabel(accuracy_title, fontsize=9)
    axis.grid(color="#eeeeee")
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5))
    _bare(axis)
    write_png(path, figure)


def _bare(axis: Axes) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
