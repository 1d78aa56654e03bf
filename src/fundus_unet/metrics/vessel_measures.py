"""Numbers of a vessel tree that studies report: how wide the vessels are, how winding, and how they fill the retina.

Source:
    Tortuosity as arc over chord: Hart et al., Int. J. Medical Informatics 53, 1999.
    Box counting in retinas: Masters, Annual Review of Biomedical Engineering 6, 2004.
"""

from collections.abc import Sequence

import cv2
import numpy as np

_SMOOTHED = 7
"""Pixels over which a centreline's steps are averaged: a straight one that is not along an axis goes in steps."""
_SHORTEST = 10
"""Pixels of a segment whose tortuosity counts; a shorter one is straight to the pixel."""
_DIVISIONS = (4, 8, 16, 32, 64)
"""Boxes along the diameter of the field of view, so that images of different sizes are compared."""
_SHIFTS = (0.0, 0.5)
_FINE = 3_000_000
"""Pixels up to which the mask is enlarged before calibres are measured, to half a pixel."""


def calibres(mask: np.ndarray, centres: np.ndarray, scale: float) -> np.ndarray:
    """The width of the vessel at points near its centre.

    Args:
        scale: Of the grid that `centres` are on: its pixels per pixel of the mask, at most 1.

    Shapes:
        mask bool (H, W), centres (n, 2) in rows and columns -> (n,).

    Units:
        pixels of the mask.
    """
    enlarged = 2 if mask.size <= _FINE else 1
    values = np.repeat(np.repeat(mask, enlarged, axis=0), enlarged, axis=1).astype(np.uint8)
    to_edge = cv2.distanceTransform(np.pad(values, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    reach = 2 * round(enlarged / scale / 2) + 1  # the centre may lie anywhere in the pixel of the other grid
    ridge = cv2.dilate(to_edge, np.ones((reach, reach), np.uint8))
    places = np.minimum(((centres + 0.5) * enlarged / scale).astype(int), np.array(values.shape) - 1)
    found = 2 * ridge[tuple(places.T)] / enlarged
    return found if enlarged == 2 else found - 0.5  # of an odd number of pixels the middle one lies half inside


def tortuosity(segments: Sequence[np.ndarray]) -> float | None:
    """Length of all segments along their way over that of their chords, 1 for straight ones; None without any.

    Convention:
        closed loops, which have no chord, and segments below 10 pixels are left out.
    """
    arcs = chords = 0.0
    for pixels in segments:
        if len(pixels) < _SHORTEST:
            continue
        way = _smoothed(pixels.astype(float))
        chord = float(np.hypot(*(way[-1] - way[0])))
        if chord > _SMOOTHED:
            arcs += float(np.hypot(*np.diff(way, axis=0).T).sum())
            chords += chord
    return arcs / chords if chords else None


def fractal_dimension(skeleton: np.ndarray, diameter: float) -> float | None:
    """Box-counting dimension: 1 for a line, 2 for what fills the plane; None where there is too little to count.

    Args:
        diameter: Of the field of view, in pixels; boxes are from a quarter to a 64th of it.

    Convention:
        of several positions of the boxes the one that needs fewest counts, as in the definition.
    """
    places = np.argwhere(skeleton)
    sizes = [diameter / division for division in _DIVISIONS if diameter / division >= 2]
    if not len(places) or len(sizes) < 3:
        return None
    counts = [min(_boxes(places, size, row, column) for row in _SHIFTS for column in _SHIFTS) for size in sizes]
    slope, _ = np.polyfit(-np.log(sizes), np.log(counts), 1)
    return float(slope)


def _boxes(places: np.ndarray, size: float, row: float, column: float) -> int:
    boxes = np.floor(places / size + (row, column)).astype(np.int64)
    return len(np.unique(boxes[:, 0] * (boxes[:, 1].max() + 1) + boxes[:, 1]))


def _smoothed(way: np.ndarray) -> np.ndarray:
    """A moving average that leaves both ends where they are."""
    beside = _SMOOTHED // 2
    before, after = 2 * way[0] - way[beside:0:-1], 2 * way[-1] - way[-2 : -beside - 2 : -1]
    longer = np.concatenate([before, way, after])
    kernel = np.ones(_SMOOTHED) / _SMOOTHED
    return np.stack([np.convolve(longer[:, axis], kernel, mode="valid") for axis in (0, 1)], axis=1)
