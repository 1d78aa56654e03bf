"""DySample, drawn: where each output samples the input."""

import copy

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from fundus_unet.drawing.cells import INPUT, LARGEST_LABELLED, cells, title
from fundus_unet.drawing.shuffle_view import phase_colours
from fundus_unet.drawing.transposed_views import numbers
from fundus_unet.upsampling.dysample import DySampleUpsampler
from fundus_unet.upsampling.measuring import Measurement

LARGEST = 0.45
"""The longest displacement that is drawn, in input pixels: large enough to be seen."""


def sampling(axes: Axes, measured: Measurement, *, upsampler: DySampleUpsampler) -> None:
    """The points of the first group for a noise image: as they start, and displaced by larger weights."""
    start, moved = sampled_places(upsampler, measured.size)
    cells(axes, np.full(measured.size, INPUT, object))
    if max(measured.size) <= LARGEST_LABELLED:
        for (row, column), text in np.ndenumerate(numbers(measured)):
            axes.text(column, row, text, fontsize=8, color="#5f7f92", ha="center", va="center")
    lines = np.stack([start.reshape(-1, 2), moved.reshape(-1, 2)], 1)
    axes.add_collection(LineCollection(list(lines), colors="#555555", linewidths=0.7, zorder=3, clip_on=False))
    axes.plot(*start.reshape(-1, 2).T, "o", color="white", markeredgecolor="#555555", markersize=3, zorder=4)
    colours, (x, y) = phase_colours(*measured.output_size).ravel().tolist(), moved.reshape(-1, 2).T
    axes.scatter(x, y, c=colours, edgecolors="black", linewidths=0.5, s=22, zorder=5, clip_on=False)
    linear = "" if measured.matrix is not None else " Not linear: no matrix, no overlap"
    words = f"white: at the start; coloured by phase: moved by larger\nweights.{linear}"
    title(axes, "Sampling points of the outputs", words)


def sampled_places(upsampler: DySampleUpsampler, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Where the outputs of a noise image sample it, with the weights as they are and with larger ones.

    Shapes:
        (H, W, 2) each, x before y.

    Units:
        input pixels; 0 is the centre of the first.
    """
    larger = copy.deepcopy(upsampler)
    image = torch.randn(1, upsampler.in_channels, *size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        longest = float(upsampler.displacement(image).abs().max()) * upsampler.SCOPE
        larger.displacement.weight *= LARGEST / longest
        start, moved = (_places(one.points(image)[0].numpy(), size) for one in (upsampler, larger))
    return start, moved


def _places(points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """From -1 to 1 between the outer edges, as `grid_sample` has it, to pixels."""
    height, width = size
    places: np.ndarray = ((points + 1) * (width, height) - 1) / 2
    return places
