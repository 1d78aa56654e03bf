"""The field of view of a fundus image, and its diameter, from the image alone.

The border is a flat colour that reaches the frame's corners; the field is convex and differs from it by a step. So
every corner's colour is tried as the border's, every distance from that colour as the threshold, and the outline with
the strongest step all along wins. No brightness is assumed: borders may be black or white, fields dark or uneven.
"""

from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.core.errors import InputError

_DECISION_SIDE = 256
_WORKING_SIDE = 1024
_THRESHOLDS = (3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 85, 113, 150)
_LEAST_SCORE = 0.45
_LEAST_AREA = 0.04
_NEARLY = 0.97
_HALF = 127

_PIXEL_CORNERS = np.array(list(product((-0.5, 0.5), repeat=2)), np.float32)

_Mask = NDArray[np.bool_]
_Bytes = NDArray[np.uint8]
_Floats = NDArray[np.float32]


def estimate_field_of_view(image: _Bytes) -> _Mask:
    """The lit part of a fundus image: one region without holes, never empty.

    An image without a visible border (full frame, constant, or no fundus at all) is field everywhere: there is
    nothing in it that tells a field from a border.

    Shapes:
        image (H, W, 3) uint8 RGB, any H and W from 1 up; result (H, W) bool.

    Convention:
        the rim is where the step from border to field is half done; text in the border is border.

    Raises:
        InputError: Where the image is not such an array.
    """
    if not (isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3):
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError("this is no RGB image", expected="uint8 array (H, W, 3)", got=got)
    height, width = image.shape[:2]
    if min(height, width) == 0:
        raise InputError("the image has no pixels", expected="H and W of at least 1", got=image.shape)
    working = _reduce(image, _WORKING_SIDE)
    found = _border_and_threshold(_reduce(working, _DECISION_SIDE))
    if found is None:
        return np.ones((height, width), bool)
    distance = _distance(working, found[0])
    step = _step_position(distance, _outline(distance, found[1]))
    mask = cv2.resize(step, (width, height), interpolation=cv2.INTER_LINEAR) > _HALF
    rows, columns = _bounding_box(mask)
    box = mask[rows, columns]
    if box.mean() > 0.97 and box.size < 0.97 * mask.size:  # a page around the image, which may have its own border
        mask[rows, columns] = estimate_field_of_view(image[rows, columns])
    return mask


def _bounding_box(mask: _Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _reduce(image: _Bytes, side: int) -> _Bytes:
    factor = side / max(image.shape[:2])
    if factor >= 1:
        return np.ascontiguousarray(image)
    size = [max(1, round(n * factor)) for n in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _border_and_threshold(image: _Bytes) -> tuple[_Bytes, int] | None:
    """The border's colour and the distance from it at which the outline has the strongest step, if there is any."""
    best = _LEAST_SCORE
    found: tuple[_Bytes, int] | None = None
    for colour in _corner_colours(image):
        distance = _distance(image, colour)
        just_seen = 5 + int(colour.max()) / 20
        scores = [_score(distance, _outline(distance, threshold), just_seen) for threshold in _THRESHOLDS]
        if max(scores) > best:
            best = max(scores)
            # of nearly equal thresholds the highest is furthest from the border's noise
            found = colour, max(t for t, score in zip(_THRESHOLDS, scores, strict=True) if score >= _NEARLY * best)
    return found


def _corner_colours(image: _Bytes) -> list[_Bytes]:
    colours: list[_Bytes] = []
    for corner in _corners(image):
        colour = np.median(image[corner].reshape(-1, 3), axis=0).astype(np.uint8)
        if all(np.abs(colour.astype(int) - other).max() > 3 for other in colours):
            colours.append(colour)
    return colours


def _corners(image: _Bytes) -> list[tuple[slice, slice]]:
    n = max(1, round(0.01 * min(image.shape[:2])))
    return [(rows, columns) for rows in (slice(n), slice(-n, None)) for columns in (slice(n), slice(-n, None))]


def _distance(image: _Bytes, colour: _Bytes) -> _Bytes:
    """The largest difference of a channel, with single noisy pixels removed."""
    apart = cv2.absdiff(cv2.medianBlur(image, 3), np.broadcast_to(colour, image.shape))
    red, green, blue = cv2.split(apart)
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def _outline(distance: _Bytes, threshold: int) -> _Mask:
    """What the border, spreading from the corners, does not reach: its largest part, thin attachments cut off."""
    count, labels = cv2.connectedComponents((distance <= threshold).astype(np.uint8), connectivity=4)
    inner = np.ones(count, bool)
    for corner in _corners(distance):
        inner[labels[corner]] = False
    inner[0] = True
    field = inner[labels]
    radius = round(0.008 * max(distance.shape))
    return _largest(_morph(field, cv2.MORPH_OPEN, radius))


def _largest(mask: _Mask) -> _Mask:
    """The largest part, with its holes filled."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return mask
    part = mask if count == 2 else labels == 1 + int(np.bincount(labels.ravel())[1:].argmax())
    count, rest = cv2.connectedComponents((~part).astype(np.uint8), connectivity=8)
    hole = np.ones(count, bool)
    hole[np.concatenate([rest[0], rest[-1], rest[:, 0], rest[:, -1]])] = False
    hole[0] = True
    return hole[rest]


def _morph(mask: _Mask, operation: int, radius: int) -> _Mask:
    """Binary morphology with a disc; the frame's edge repeats, so that a field cut off by it is not rounded there."""
    if radius < 1:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    pad = 2 * radius
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    return cv2.morphologyEx(padded, operation, disc)[pad:-pad, pad:-pad] > 0


def _levels(distance: _Bytes, field: _Mask, at: _Mask) -> tuple[_Floats, _Floats]:
    """The distance just inside and just outside of the rim, averaged over a neighbourhood that leaves the step out.

    Shapes:
        (H, W), (H, W), and `at` (H, W) with n pixels set: twice (n,).
    """
    window = 2 * round(0.02 * max(distance.shape)) + 3
    gap = round(0.004 * max(distance.shape))

    def mean(region: _Mask) -> _Floats:
        weight = region.astype(np.float32)
        total = cv2.blur(weight * distance, (window, window), borderType=cv2.BORDER_REPLICATE)[at]
        count = cv2.blur(weight, (window, window), borderType=cv2.BORDER_REPLICATE)[at]
        return (total / np.maximum(count, 1e-6)).astype(np.float32)

    return mean(_morph(field, cv2.MORPH_ERODE, gap)), mean(_morph(~field, cv2.MORPH_ERODE, gap))


def _score(distance: _Bytes, field: _Mask, just_seen: float) -> float:
    """Mean relative step along the rim, times how convex the field is; 0 for what cannot be a field.

    A step below `just_seen` grey levels counts little, and so does a border of a few pixels in a corner.
    """
    height, width = field.shape
    area = int(field.sum())
    if not field[height // 2, width // 2] or area < _LEAST_AREA * field.size or field.all():
        return 0.0
    rim = field & (cv2.erode(field.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
    inside, outside = _levels(distance, field, rim)
    step = (inside - outside) / (inside + outside + just_seen)
    outlines, _ = cv2.findContours(field.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.convexHull(np.concatenate(outlines))
    filled = cv2.fillConvexPoly(np.zeros(field.shape, np.uint8), hull, 1)
    border = 1 - area / field.size
    return float(step.mean()) * area / int(filled.sum()) * border / (border + 0.01)


def _step_position(distance: _Bytes, field: _Mask) -> _Bytes:
    """Above _HALF in the field and below it in the border, linear across the step, so that it can be enlarged."""
    reach = round(0.008 * max(distance.shape)) + 1
    mask = _morph(field, cv2.MORPH_ERODE, reach)
    around_rim = _morph(field, cv2.MORPH_DILATE, reach) & ~mask
    inside, outside = _levels(distance, field, around_rim)
    step = (distance[around_rim] - (inside + outside) / 2) / np.maximum(inside - outside, 1)
    mask[around_rim] = step > 0
    mask = _largest(mask)
    position = mask * np.uint8(255)
    inner = mask[around_rim]
    values = np.rint(_HALF + 255 * np.clip(step, -0.5, 0.5))
    position[around_rim] = np.clip(values, np.where(inner, _HALF + 1, 0), np.where(inner, 255, _HALF))
    return position


def field_of_view_diameter(mask: _Mask) -> float:
    """The diameter of the circle whose arc the field's rim is, however much of that circle the frame cuts off.

    Where the rim shows no arc, it is the diameter of the smallest circle around the field. For a full frame that is the
    frame's diagonal: such images are cropped inside the circle, which is then at least as large as that.

    Shapes:
        mask (H, W) bool. Units: pixels.

    Raises:
        InputError: Where the mask is not such an array or has no field.
    """
    if not (isinstance(mask, np.ndarray) and mask.dtype == bool and mask.ndim == 2 and mask.any()):
        got = f"{mask.dtype} {mask.shape}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise InputError("this is no field of view", expected="bool array (H, W), not all False", got=got)
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=len)[:, 0].astype(np.float32)
    corners = np.concatenate([cv2.convexHull(outline)[:, 0] + offset for offset in _PIXEL_CORNERS])
    smallest = 2 * cv2.minEnclosingCircle(corners)[1]
    last = np.array(mask.shape[::-1]) - 1
    rim = outline[((outline > 0) & (outline < last)).all(axis=1)].astype(float)
    diameter = _arc_diameter(rim, smallest)
    return smallest if diameter is None else diameter


def _arc_diameter(rim: NDArray[np.float64], smallest: float) -> float | None:
    """The circle that most rim points agree on (random sample consensus), if it is plausible for such a field."""
    if len(rim) < 16:
        return None
    a, b, c = rim[np.random.default_rng(0).integers(len(rim), size=(3, 300))]
    u, v = b - a, c - a
    cross = 2 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
    usable = np.abs(cross) > 1e-3 * smallest**2
    a, u, v, cross = a[usable], u[usable], v[usable], cross[usable, None]
    uu, vv = (u**2).sum(axis=1, keepdims=True), (v**2).sum(axis=1, keepdims=True)
    centres = a + np.hstack([v[:, 1:] * uu - u[:, 1:] * vv, u[:, :1] * vv - v[:, :1] * uu]) / cross
    radii = np.hypot(*(a - centres).T)
    plausible = (radii > 0.48 * smallest) & (radii < smallest)
    if not plausible.any():
        return None
    few = rim[:: max(1, len(rim) // 500)]
    off = np.abs(np.hypot(*(few[:, None] - centres[plausible]).T) - radii[plausible, None])
    agrees = off < max(1.0, 0.005 * smallest)
    best = int(agrees.sum(axis=1).argmax())
    if agrees[best].mean() < 0.4:
        return None
    x, y = few[agrees[best]].T
    # a circle is linear in its centre and in its radius' surplus over it: x² + y² = 2 x cx + 2 y cy + s
    cx, cy, s = np.linalg.lstsq(np.stack([2 * x, 2 * y, np.ones_like(x)], axis=1), x**2 + y**2, rcond=None)[0]
    return float(2 * np.sqrt(s + cx**2 + cy**2) + 1)  # the outline runs through the centres of the outermost pixels
