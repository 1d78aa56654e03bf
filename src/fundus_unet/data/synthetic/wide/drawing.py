"""Draw grown vessels: depth of blood, central reflex and label."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Frame, Plane
from fundus_unet.data.synthetic.wide.eye import Eye
from fundus_unet.data.synthetic.wide.tips import Nodes

_SHIFT = 4
_FINEST = 1100
"""Side in pixels up to which vessels are drawn at twice the size, so that widths of half a pixel differ."""
_PROFILES = ((3.2, (0.8,)), (9.0, (0.35, 0.7, 0.93)), (math.inf, (0.2, 0.5, 0.75, 0.9, 0.98)))
"""Up to a width, the shares of the full depth at which a round vessel is cut into steps."""


@dataclass(frozen=True)
class Drawn:
    """Both trees as the camera would meet them.

    Shapes:
        (H, W) each. Units: depths in field diameters / 512.
    """

    artery: Plane
    vein: Plane
    reflex: Plane
    """Strength of the bright line along the middle of wide vessels, in [0, 1]."""
    label: NDArray[np.bool_]


@dataclass(frozen=True)
class _Piece:
    points: NDArray[np.int32]
    width: float
    """In pixels of the drawing."""
    diameter: float
    strength: float
    vein: bool


def draw(eye: Eye, frame: Frame, nodes: Nodes) -> Drawn:
    """Paint all vessels; of two that cross, the deeper shows, whichever lies in front.

    A pixel belongs to the label where a vessel covers half of it or more; a vessel thinner than a pixel is labelled
    one pixel wide. What the observer did not see is not in the label.
    """
    size = frame.size
    factor = 2 if size <= _FINEST else 1
    pieces = _pieces(frame, nodes, factor)
    trees = [np.zeros((size * factor, size * factor), np.float32) for _ in range(2)]
    for value, vein, width, points in _steps(pieces):
        cv2.polylines(trees[vein], [points], False, value, width, cv2.LINE_8, _SHIFT)
    artery, vein_depth = (_reduced(tree, size) for tree in trees)
    return Drawn(artery, vein_depth, _reflex(frame, pieces, factor), _label(eye, frame, pieces, factor))


def _reduced(plane: Plane, size: int) -> Plane:
    return (
        plane if plane.shape[0] == size else np.asarray(cv2.resize(plane, (size, size), interpolation=cv2.INTER_AREA))
    )


def _pieces(frame: Frame, nodes: Nodes, factor: int) -> list[_Piece]:
    """Stretches of a vessel of about one width and contrast."""
    width = nodes.diameter * frame.diameter * factor
    kind = np.round(np.log(np.maximum(width, 0.3)) * 5).astype(np.int64) * 64 + np.round(nodes.strength * 3).astype(
        np.int64
    )
    cut = np.flatnonzero((np.diff(nodes.vessel) != 0) | (np.diff(kind) != 0)) + 1
    bounds = np.concatenate([[0], cut, [len(kind)]])
    x = (nodes.x * frame.diameter + frame.centre[0] + 0.5) * factor - 0.5
    y = (nodes.y * frame.diameter + frame.centre[1] + 0.5) * factor - 0.5
    points = np.round(np.stack([x, y], axis=1) * 2**_SHIFT).astype(np.int32)
    middle = (bounds[:-1] + bounds[1:]) // 2
    widths, diameters = width[middle].tolist(), nodes.diameter[middle].tolist()
    strengths, veins = nodes.strength[middle].tolist(), nodes.vein[middle].tolist()
    goes_on = np.append(nodes.vessel[1:] == nodes.vessel[:-1], False)
    ends = (bounds[1:] + goes_on[bounds[1:] - 1]).tolist()
    begins = bounds[:-1].tolist()
    return [
        _Piece(points[begin:end], *rest)
        for begin, end, *rest in zip(begins, ends, widths, diameters, strengths, veins, strict=True)
    ]


def _steps(pieces: list[_Piece]) -> list[tuple[float, bool, int, NDArray[np.int32]]]:
    """What to draw, the shallow before the deep, so that each pixel keeps the greatest depth."""
    steps: list[tuple[float, bool, int, NDArray[np.int32]]] = []
    for piece in pieces:
        shares = next(shares for limit, shares in _PROFILES if piece.width < limit)
        depth = 512 * piece.diameter * piece.strength
        for share in shares:
            # a vessel thinner than the pixels that carry it keeps its blood, not its depth
            wanted = piece.width if len(shares) == 1 else piece.width * math.sqrt(1 - share**2)
            drawn = max(1, round(wanted))
            value = share * depth * (min(wanted / drawn, 1.2) if len(shares) == 1 else 1.0)
            steps.append((value, piece.vein, drawn, piece.points))
    steps.sort(key=lambda step: step[0])
    return steps


def _reflex(frame: Frame, pieces: list[_Piece], factor: int) -> Plane:
    plane = np.zeros((frame.size, frame.size), np.uint8)
    for piece in pieces:
        width = piece.width / factor
        if width > 2.6:
            points = piece.points // factor
            value = 255 * min((width - 2.2) / 2.2, 1.0) * (0.4 if piece.vein else 1.0)
            cv2.polylines(plane, [points], False, value, max(1, round(0.3 * width)), cv2.LINE_AA, _SHIFT)
    return np.asarray(plane * np.float32(1 / 255), dtype=np.float32)


def _label(eye: Eye, frame: Frame, pieces: list[_Piece], factor: int) -> NDArray[np.bool_]:
    size = frame.size
    fine = np.zeros((size * factor, size * factor), np.uint8)
    thin = np.zeros((size, size), np.uint8)
    for piece in pieces:
        if piece.diameter < eye.unseen or piece.strength < 0.42:
            continue
        width = piece.width + eye.drawn_wider * frame.diameter * factor
        if width > factor:
            cv2.polylines(fine, [piece.points], False, 255, round(width), cv2.LINE_8, _SHIFT)
        if width < 1.6 * factor:
            cv2.polylines(thin, [piece.points // factor], False, 1, 1, cv2.LINE_8, _SHIFT)
    covered = cv2.resize(fine, (size, size), interpolation=cv2.INTER_AREA) if factor > 1 else fine
    return np.asarray((covered > 127) | (thin > 0))
