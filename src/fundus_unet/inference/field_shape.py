"""Whether an image shows one field of view, and a round one."""

import cv2
import numpy as np

from fundus_unet.inference.inspected_image import InspectedImage

_SIDE = 256
"""Pixels of the larger side that are enough to count what lies apart."""
_FLAT, _APART = 12, 20
"""Grey levels from the border's colour: of the border itself, and of what is in it."""
_LEAST_AREA, _LEAST_OF_LARGEST = 0.04, 0.3
_ON_CUT, _ON_CIRCLE = 0.02, 0.02
"""Of the larger side of the field of view, and of its diameter."""
_LEAST_ROUND = 0.6
"""0.97 and more in images of CHASE_DB1, HRF and IDRiD, 0.3 and less in ellipses and in two circles."""


def separate_fields(image: InspectedImage) -> int:
    """How many parts of similar size lie apart in a border of one colour; 0 where there is no such border.

    A part is at least 4 % of the frame, and 30 % of the largest.
    """
    factor = min(1.0, _SIDE / max(image.image.shape))
    frame = cv2.resize(image.image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    edge = np.concatenate([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
    border = np.median(edge, axis=0)
    if (np.abs(edge - border).max(axis=1) <= _FLAT).mean() < 0.6:
        return 0
    red, green, blue = cv2.split(cv2.absdiff(frame, np.broadcast_to(border.astype(np.uint8), frame.shape)))
    parts = (cv2.max(cv2.max(red, green), blue) > _APART).astype(np.uint8)
    side = 2 * max(1, round(0.008 * max(parts.shape))) + 1  # cuts lines and letters off
    opened = cv2.morphologyEx(parts, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(opened)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not len(areas):
        return 0
    return int((areas >= max(_LEAST_AREA * parts.size, _LEAST_OF_LARGEST * areas.max())).sum())


def is_round(image: InspectedImage) -> bool:
    """Whether the field's rim lies on one circle, but for where it is cut off straight and for a tab."""
    return rim_on_circle(image.field_of_view) >= _LEAST_ROUND


def rim_on_circle(field_of_view: np.ndarray) -> float:
    """The share of the rim that lies on its circle; 1 where too little of it is not cut off.

    Where the rim runs along its bounding box, it may be cut off straight, by the frame or by the camera: that part says
    nothing. The circle is that of least squares (Kasa), found again without the fifth that is farthest from it.

    Shapes:
        bool (h, w), not empty.

    Source:
        Kasa, A circle fitting procedure and its error analysis, IEEE Trans. Instrumentation and Measurement 25, 1976.
    """
    contours, _ = cv2.findContours(field_of_view.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rim = max(contours, key=len)[:, 0].astype(float)
    first, last = rim.min(axis=0), rim.max(axis=0)
    near = _ON_CUT * float((last - first).max())
    free = rim[((rim > first + near) & (rim < last - near)).all(axis=1)]
    if len(free) < 0.1 * len(rim) or len(free) < 16:
        return 1.0
    off, _ = _off_circle(free, free)
    off, radius = _off_circle(free[off <= np.quantile(off, 0.8)], free)
    return float((off <= max(1.0, _ON_CIRCLE * 2 * radius)).mean())


def _off_circle(fitted: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, float]:
    x, y = fitted.T
    # a circle is linear in its centre and in its radius' surplus over it: x² + y² = 2 x cx + 2 y cy + s
    system = np.stack([2 * x, 2 * y, np.ones_like(x)], axis=1)
    cx, cy, s = np.linalg.lstsq(system, x**2 + y**2, rcond=None)[0]
    radius = float(np.sqrt(max(s + cx**2 + cy**2, 0)))
    return np.abs(np.hypot(*(points - (cx, cy)).T) - radius), radius
