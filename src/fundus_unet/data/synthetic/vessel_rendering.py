"""Draw a tree of vessels with sub-pixel centre lines and widths."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Frame, Plane, Points

_SHIFT = 4


@dataclass(frozen=True)
class VesselPaint:
    """One tree as the camera would meet it."""

    depth: Plane
    """Length of the way through blood, in field diameters / 512 (pixels of a 512 px figure)."""
    reflex: Plane
    """Strength of the bright line along the middle of wide vessels, in [0, 1]."""
    label: NDArray[np.bool_]


def render_tree(
    frame: Frame,
    paths: list[Points],
    diameters: list[NDArray[np.float64]],
    strength: list[NDArray[np.float64]],
    sheet: NDArray[np.int64],
) -> VesselPaint:
    """Depth of blood, light reflex and label of one tree.

    A pixel belongs to the label where the vessel covers half of it or more; a vessel thinner than a pixel is labelled
    one pixel wide, so that it stays connected. `strength` is the contrast at every node, 1 on average.
    Vessels of one `sheet` are drawn together and hide each other; sheets are then merged. A branch and its parent
    belong on different sheets, or the parent's soft flank would cut its branches off.
    """
    start = np.concatenate([frame.pixels(path[:-1]) for path in paths])
    end = np.concatenate([frame.pixels(path[1:]) for path in paths])
    radius = np.concatenate([(width[:-1] + width[1:]) / 4 for width in diameters]) * frame.diameter
    counts = np.array([len(path) - 1 for path in paths])
    bounds = np.repeat(np.stack([np.cumsum(counts) - counts, np.cumsum(counts) - 1], axis=1), counts, axis=0)
    power = np.concatenate([values[1:] for values in strength])
    shape = (frame.size, frame.size)
    depth, reflex, label = np.zeros(shape, np.float32), np.zeros(shape, np.float32), np.zeros(shape, bool)
    for number in np.unique(sheet):
        chosen = np.flatnonzero(np.repeat(sheet, counts) == number)
        chosen = chosen[np.argsort(radius[chosen], kind="stable")]
        rows, columns, segment = _nearest_segments(shape, start[chosen], end[chosen], radius[chosen])
        nearest, away = _slide(rows, columns, chosen[segment], start, end, bounds)
        r = radius[nearest]
        blood, shine = _profile(away, r)
        blood *= power[nearest] * 512 / frame.diameter
        depth[rows, columns] = np.maximum(depth[rows, columns], blood)
        reflex[rows, columns] = np.maximum(reflex[rows, columns], shine)
        label[rows, columns] |= away <= np.maximum(r, 0.5)
    return VesselPaint(depth, reflex, label)


def _nearest_segments(
    shape: tuple[int, int], start: Points, end: Points, radius: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Rows, columns and segment of the pixels on and beside the segments, the later ones over the earlier."""
    owner = np.zeros(shape, np.int32)
    a = np.round(start * 2**_SHIFT).astype(int).tolist()
    b = np.round(end * 2**_SHIFT).astype(int).tolist()
    flank = np.ceil(3.2 * radius + 3).astype(int).tolist()
    core = np.maximum(np.round(2 * radius), 1).astype(int).tolist()
    for thickness in (flank, core):
        for index in range(len(a)):
            cv2.line(owner, a[index], b[index], index + 1, thickness[index], cv2.LINE_8, _SHIFT)
    rows, columns = np.nonzero(owner)
    return rows, columns, owner[rows, columns].astype(np.int64) - 1


def _slide(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    segment: NDArray[np.int64],
    start: Points,
    end: Points,
    bounds: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Move each pixel along its vessel to the segment it lies beside; that segment and the distance to it.

    `bounds` are the first and the last segment of the vessel a segment belongs to.
    """
    for _ in range(2):
        along, _, length = _coordinates(rows, columns, start[segment], end[segment])
        moved = segment + np.floor(along / length).astype(np.int64)
        segment = np.clip(moved, bounds[segment, 0], bounds[segment, 1])
    along, across, length = _coordinates(rows, columns, start[segment], end[segment])
    past = np.maximum(np.maximum(-along, along - length), 0.0)
    # in the outer side of a bend a pixel lies beside no segment, but not farther away for that
    past = np.where((segment > bounds[segment, 0]) & (segment < bounds[segment, 1]), 0.5 * past, past)
    return segment, np.hypot(across, past)


def _coordinates(
    rows: NDArray[np.int64], columns: NDArray[np.int64], start: Points, end: Points
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Way along a segment, distance to its line, and its length."""
    step = end - start
    length = np.maximum(np.hypot(step[:, 0], step[:, 1]), 1e-6)
    x, y = columns - start[:, 0], rows - start[:, 1]
    across = (step[:, 0] * y - step[:, 1] * x) / length
    along = (step[:, 0] * x + step[:, 1] * y) / length
    return along, across, length


def _profile(away: NDArray[np.float64], r: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Way through blood (pixels) and reflex across a vessel; half the depth is reached near its edge."""
    soft = np.maximum(r, 0.6)
    # a vessel thinner than the pixels that carry it keeps its blood, not its depth
    blood = 2 * r * (r / soft) * np.exp(-((away / (1.1 * soft)) ** 2.6))
    shine = np.exp(-((away / np.maximum(0.36 * r, 0.75)) ** 2)) * np.clip((r - 1.0) / 1.4, 0.0, 1.0)
    return blood, shine
