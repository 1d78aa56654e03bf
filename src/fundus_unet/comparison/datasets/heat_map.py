"""The matrix as a figure."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from fundus_unet.comparison.datasets.short_names import short_names
from fundus_unet.comparison.datasets.tables import DOUBTFUL, NOTHING, pooled_scores
from fundus_unet.inference.evaluation import NETWORK, SECOND_OBSERVER
from fundus_unet.metrics.registry import METRICS

COLOURS = "cividis"
STEP = 0.05
"""The colour scale ends at multiples of it."""
WIDTH, HEIGHT, LETTER = 1.15, 0.5, 0.085
"""Of a cell and of a letter in a name, in inches."""
RESOLUTION = 160


def heat_map(result: Mapping[str, Any], metric: str) -> Figure:
    """A row per network and one for the second observer, a column per set; a network's own sets are framed.

    Where it is not known which of their images it learned from, they have a mark instead.
    """
    found = list(pooled_scores(result, metric, NETWORK))
    sets = list(result["sets"])
    has_observer = any(value is not None for name, _, value in found if name == SECOND_OBSERVER)
    names = [*result["networks"], *([SECOND_OBSERVER] if has_observer else [])]
    values = np.full((len(names), len(sets)), np.nan)
    for network, name, value in found:
        if network in names and value is not None:
            values[names.index(network), sets.index(name)] = value
    low, high = _ends(values)
    short = short_names(names)
    left = LETTER * max(map(len, short.values())) + 0.6
    width, height = left + WIDTH * len(sets) + 1.2, HEIGHT * len(names) + 1.7
    figure = Figure(figsize=(max(width, 4.6), height), dpi=RESOLUTION)
    width = figure.get_figwidth()
    box = (left / width, 0.55 / height, WIDTH * len(sets) / width, HEIGHT * len(names) / height)
    axes = figure.add_axes(box)
    axes.set_facecolor("#e8e8e8")
    image = axes.imshow(values, cmap=COLOURS, vmin=low, vmax=high, aspect="auto")
    for row, network in enumerate(names):
        for column, name in enumerate(sets):
            cell = result["cells"].get(network, {}).get(name, {})
            value = values[row, column]
            text = NOTHING if math.isnan(value) else f"{value:.3f}"
            doubtful = bool(cell.get("may_have_learned"))
            mark = DOUBTFUL if doubtful and cell["scores"] else ""
            dark = not math.isnan(value) and _brightness((value - low) / (high - low)) < 0.5
            axes.text(column, row, mark + text, ha="center", va="center", color="white" if dark else "black")
            if cell.get("own_set") and not doubtful:
                frame = Rectangle((column - 0.45, row - 0.4), 0.9, 0.8, fill=False, linewidth=2.2, edgecolor="#d55e00")
                axes.add_patch(frame)
    if has_observer and len(names) > 1:
        axes.axhline(len(names) - 1.5, color="white", linewidth=4)
    counts = [len(result["sets"][name]["images"]) for name in sets]
    images = [f"{_plain(name)}\n{count} image{'s' * (count != 1)}" for name, count in zip(sets, counts, strict=True)]
    axes.set_xticks(range(len(sets)), images, fontsize=9)
    axes.set_yticks(range(len(names)), map(_plain, short.values()), fontsize=9)
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = figure.add_axes((box[0] + box[2] + 0.15 / width, box[1], 0.14 / width, box[3]))
    figure.colorbar(image, cax=bar).ax.tick_params(labelsize=8)
    title = f"{METRICS[metric].title} in the field of view, threshold 0.5"
    figure.text(0.12 / width, 1 - 0.25 / height, title, fontsize=11, fontweight="bold", va="center")
    figure.text(0.12 / width, 1 - 0.52 / height, "rows: trained on; columns: scored on", fontsize=9, va="center")
    figure.text(0.12 / width, 0.42 / height, _legend(result), fontsize=8, va="top")
    return figure


def _legend(result: Mapping[str, Any]) -> str:
    cells = [cell for cells in result["cells"].values() for cell in cells.values()]
    parts = []
    if any(cell.get("own_set") and not cell.get("may_have_learned") for cell in cells):
        parts.append("framed: learned from other images of this set")
    if any(cell.get("may_have_learned") and cell["scores"] for cell in cells):
        parts.append(f"{DOUBTFUL}: it is not recorded from which images it learned")
    return "\n".join(parts)


def _brightness(share: float) -> float:
    """Of a colour of the scale, as the eye sees it, 0 to 1."""
    red, green, blue, _ = colormaps[COLOURS](share)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Of the colour scale."""
    known = values[~np.isnan(values)]
    low = math.floor(float(known.min()) / STEP) * STEP
    high = math.ceil(float(known.max()) / STEP) * STEP
    return low, max(high, low + STEP)


def _plain(name: str) -> str:
    """So that matplotlib sets no formula."""
    return name.replace("$", r"\$")
