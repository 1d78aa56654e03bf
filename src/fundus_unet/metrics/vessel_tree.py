"""The vessels of a mask as a tree: where they branch, and the segments between."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from fundus_unet.metrics.topology import skeleton_of

_AROUND = ((-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))
_RING = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
_TIP = 2
"""Pixels by which a spur of thinning may be longer than the vessel is wide to one side."""


@dataclass(frozen=True)
class VesselTree:
    """Segments of a skeleton, and its branch points.

    Shapes:
        each of `segments` int (n, 2), the (row, column) of its pixels in their order.

    Convention:
        A branch point is where three segments or more meet. Where two vessels cross, thinning leaves two of them side
        by side; branch points nearer to each other than the vessel is wide are one. Thinning leaves spurs too, where a
        vessel's edge is rough: ends that do not reach beyond the vessel's width are no segments.
    """

    segments: tuple[np.ndarray, ...]
    branch_points: int


@dataclass(frozen=True)
class _Path:
    """A run of pixels between two places where the skeleton may branch; `ends` are the numbers of these, 0 for none."""

    pixels: np.ndarray
    ends: tuple[int, int]


def vessel_tree(mask: np.ndarray, skeleton: np.ndarray) -> VesselTree:
    """Take a skeleton apart.

    Shapes:
        mask and its skeleton bool (H, W).
    """
    radius = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    pruned = _without_spurs(skeleton, radius)
    paths, nodes = _paths(pruned)
    joined, reach = np.arange(nodes.max() + 1), _radius_of(nodes, radius)
    inner = []
    for path in paths:
        one, other = path.ends
        if one and other and one != other and len(path.pixels) <= reach[one] + reach[other]:
            joined[joined == joined[other]] = joined[one]
        else:
            inner.append(path)
    meeting = np.zeros(len(joined), int)
    for path in inner:
        for end in path.ends:
            meeting[joined[end]] += end > 0
    return VesselTree(tuple(path.pixels for path in inner), int((meeting >= 3).sum()))


def _without_spurs(skeleton: np.ndarray, radius: np.ndarray) -> np.ndarray:
    paths, nodes = _paths(skeleton)
    reach = _radius_of(nodes, radius)
    pruned = skeleton.copy()
    for path in paths:
        node = max(path.ends)
        if node and min(path.ends) == 0 and len(path.pixels) <= reach[node] + _TIP:
            pruned[tuple(path.pixels.T)] = False
    return skeleton_of(pruned)


def _radius_of(nodes: np.ndarray, radius: np.ndarray) -> np.ndarray:
    found = np.zeros(nodes.max() + 1)
    rows, columns = np.nonzero(nodes)
    np.maximum.at(found, nodes[rows, columns], radius[rows, columns])
    return found


def _paths(skeleton: np.ndarray) -> tuple[list[_Path], np.ndarray]:
    """The paths, and (H, W) the numbers of the places where they may meet; 0 elsewhere."""
    padded = np.pad(skeleton, 1).astype(np.uint8)
    _thin_further(padded)
    at_node = (padded > 0) & (_count(padded > 0) >= 3)
    _, found = cv2.connectedComponents(at_node.astype(np.uint8), connectivity=8)
    nodes = np.asarray(found, np.int64)
    on_path = (padded > 0) & ~at_node
    steps = [row * padded.shape[1] + column for row, column in _AROUND]
    of_node: list[int] = nodes.ravel().tolist()
    free = set(np.flatnonzero(on_path).tolist())
    ends = np.flatnonzero(on_path & (_count(on_path) <= 1)).tolist()
    paths = []
    for start in (*ends, *sorted(free)):  # then what is left: loops
        if start in free:
            pixels = list(_walk(start, free, steps))
            paths.append(_Path(_places(pixels, padded.shape[1]), _ends(pixels, of_node, steps)))
    return paths, nodes[1:-1, 1:-1]


def _thin_further(padded: np.ndarray) -> None:
    """Take out the corners of steps, beside which a line seems to branch: 8 neighbours of a line are then two."""
    neighbours = np.stack([np.roll(padded, (-row, -column), (0, 1)) for row, column in _RING], axis=-1)
    corners = (padded > 0) & _is_needless()[np.packbits(neighbours, axis=-1, bitorder="little")[..., 0]]
    for row, column in np.argwhere(corners):
        code = sum(int(padded[row + r, column + c]) << bit for bit, (r, c) in enumerate(_RING))
        padded[row, column] = not _is_needless()[code]


@cache
def _is_needless() -> np.ndarray:
    """By the bits of the 8 neighbours: whether two or more of them hang together without the pixel between."""
    found = np.zeros(256, bool)
    for code in range(256):
        there = [place for bit, place in enumerate(_RING) if code >> bit & 1]
        together = there[:1]
        for place in together:
            together += [
                other
                for other in there
                if other not in together and max(abs(other[0] - place[0]), abs(other[1] - place[1])) == 1
            ]
        at_edge = not all(code >> bit & 1 for bit in (0, 2, 4, 6))
        found[code] = len(there) >= 2 and len(together) == len(there) and at_edge
    return found


def _count(mask: np.ndarray) -> np.ndarray:
    """How many of the 8 neighbours are true."""
    values = mask.astype(np.uint8)
    return cv2.filter2D(values, -1, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT) - values


def _walk(start: int, free: set[int], steps: list[int]) -> Iterator[int]:
    """Take pixels out of `free` from one end of a path to the other: none has more than two neighbours."""
    here: int | None = start
    while here is not None:
        free.discard(here)
        yield here
        here = next((here + step for step in steps if here + step in free), None)


def _ends(pixels: list[int], of_node: list[int], steps: list[int]) -> tuple[int, int]:
    """The nodes beside the first and the last pixel. A path of one pixel has two different ones, or a free end."""
    beside = [
        list(dict.fromkeys(of_node[pixel + step] for step in steps if of_node[pixel + step]))
        for pixel in (pixels[0], pixels[-1])
    ]
    if len(pixels) == 1:
        first, last, *_ = [*beside[0], 0, 0]
        return first, last
    return next(iter(beside[0]), 0), next(iter(beside[1]), 0)


def _places(pixels: list[int], width: int) -> np.ndarray:
    return np.stack(np.divmod(np.array(pixels), width), axis=1) - 1
