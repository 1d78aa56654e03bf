"""The shape of the field of view, and how it lies in the frame."""

import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Frame
from fundus_unet.data.synthetic.wide.family import Family


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
    axis = np.arange(frame.size, dtype=np.float32)
    x = ((axis - frame.centre[0]) / frame.diameter)[None]
    y = ((axis - frame.centre[1]) / frame.diameter)[:, None]
    if family.field == "full":
        return np.ones((frame.size, frame.size), bool)
    inside = x**2 + y**2 <= 0.25
    if rng.random() < family.tab:
        _add_tab(rng, inside, x, y)
    cut = family.field if rng.random() < 0.85 else str(rng.choice(["circle", "cut"]))
    if cut == "cut":
        inside &= np.abs(y - rng.normal(0, 0.02)) < rng.uniform(0.33, 0.47)
    elif cut == "cut_all":
        inside &= (np.abs(x) < rng.uniform(0.38, 0.5)) & (np.abs(y) < rng.uniform(0.38, 0.5))
    return np.asarray(inside)


def _add_tab(
    rng: np.random.Generator, inside: NDArray[np.bool_], x: NDArray[np.float32], y: NDArray[np.float32]
) -> None:
    """The tab that marks the orientation, in place."""
    angle = np.deg2rad(rng.choice([-45, -135, 45, -90, 0], p=[0.5, 0.15, 0.15, 0.1, 0.1]) + rng.normal(0, 8))
    tab_x, tab_y = 0.497 * np.cos(angle), 0.497 * np.sin(angle)
    if rng.random() < 0.5:
        inside |= np.hypot(x - tab_x, y - tab_y) < rng.uniform(0.015, 0.028)
    else:
        along = (x - tab_x) * np.cos(angle) + (y - tab_y) * np.sin(angle)
        across = (y - tab_y) * np.cos(angle) - (x - tab_x) * np.sin(angle)
        inside |= (np.abs(along) < 0.025) & (np.abs(across) < rng.uniform(0.012, 0.028))
