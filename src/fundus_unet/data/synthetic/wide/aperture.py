"""The shape of the field of view, and how it lies in the frame."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Frame
from fundus_unet.data.synthetic.wide.family import Family

_SHIFT = 4


def draw_frame(rng: np.random.Generator, size: int, family: Family) -> Frame:
    """A field that fills most of the frame; a full frame lies within the field."""
    share = rng.uniform(0.93, 1.0) if rng.random() < 0.8 else rng.uniform(0.78, 0.93)
    if family.field == "full":
        share = rng.uniform(1.25, 1.45)
    elif family.field == "cut_all":
        share = rng.uniform(0.98, 1.15)
    diameter = size * share
    slack = abs(size - diameter) / 2
    off_x, off_y = np.clip(rng.normal(0, 0.4, 2), -1, 1) * slack
    middle = (size - 1) / 2
    return Frame(size, (middle + off_x, middle + off_y), diameter)


def draw_aperture(rng: np.random.Generator, frame: Frame, family: Family) -> NDArray[np.bool_]:
    """Where light falls.

    Shapes:
        returns (H, W) bool.
    """
    if family.field == "full":
        return np.ones((frame.size, frame.size), bool)
    inside = np.zeros((frame.size, frame.size), np.uint8)
    _disc(inside, frame, 0.0, 0.0, 0.5)
    if rng.random() < family.tab:
        _add_tab(rng, inside, frame)
    cut = family.field if rng.random() < 0.85 else str(rng.choice(["circle", "cut"]))
    if cut == "cut":
        half, off = rng.uniform(0.33, 0.47), rng.normal(0, 0.02)
        _keep(inside, frame, off - half, off + half)
    elif cut == "cut_all":
        across, along = rng.uniform(0.38, 0.5, 2)
        _keep(inside, frame, -across, across)
        _keep(inside.T, frame, -along, along)
    return inside > 0


def _disc(inside: NDArray[np.uint8], frame: Frame, x: float, y: float, radius: float) -> None:
    """Draw a disc given in field diameters, in place."""
    place = frame.pixels(np.array([[x, y]]))[0]
    centre = (round(place[0] * 2**_SHIFT), round(place[1] * 2**_SHIFT))
    cv2.circle(inside, centre, round(radius * frame.diameter * 2**_SHIFT), 1, cv2.FILLED, cv2.LINE_8, _SHIFT)


def _keep(inside: NDArray[np.uint8], frame: Frame, low: float, high: float) -> None:
    """Leave nothing above and below two rows given in field diameters, in place."""
    middle = frame.centre[1]
    inside[: max(0, round(middle + low * frame.diameter))] = 0
    inside[max(0, round(middle + high * frame.diameter)) :] = 0


def _add_tab(rng: np.random.Generator, inside: NDArray[np.uint8], frame: Frame) -> None:
    """The tab that marks the orientation, in place."""
    angle = np.deg2rad(rng.choice([-45, -135, 45, -90, 0], p=[0.5, 0.15, 0.15, 0.1, 0.1]) + rng.normal(0, 8))
    out = np.array([np.cos(angle), np.sin(angle)])
    if rng.random() < 0.5:
        _disc(inside, frame, 0.497 * out[0], 0.497 * out[1], rng.uniform(0.015, 0.028))
    else:
        aside = rng.uniform(0.012, 0.028) * np.array([-out[1], out[0]])
        corners = np.array([0.47 * out - aside, 0.522 * out - aside, 0.522 * out + aside, 0.47 * out + aside])
        points = np.round(frame.pixels(corners) * 2**_SHIFT).astype(np.int32)
        cv2.fillConvexPoly(inside, points, 1, cv2.LINE_8, _SHIFT)
