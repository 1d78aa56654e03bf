"""A small picture of an image beside the same with its vessels, for a page of many."""

import cv2
import numpy as np

from fundus_unet.drawing.overlay import VESSEL

SIDE = 256
_SAMPLES = 4
"""Of a large image that are averaged along each side of a pixel of the small one, or more."""
_GAIN = 2.0
"""Vessels thinner than a pixel of the small picture are shown stronger than they cover it, or nobody would see them."""


def thumbnail_pair(image: np.ndarray, mask: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The image on the left, and with its vessels tinted on the right: one file serves both.

    Shapes:
        uint8 (H, W, 3) RGB, bool (H, W) -> uint8 (h, 2 w, 3) RGB, where the longer of h and w is `side`, or that of an
        image that is smaller.
    """
    height, width = mask.shape
    shrink = min(1.0, side / max(height, width))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    step = max(1, max(height, width) // (_SAMPLES * side))  # all pixels of a large photo would take ten times as long
    covered = np.ascontiguousarray(mask[::step, ::step]).view(np.uint8) * np.uint8(255)
    small = cv2.resize(np.ascontiguousarray(image[::step, ::step]), size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(covered, size, interpolation=cv2.INTER_AREA)[..., None]
    weight = np.minimum(share * np.float32(_GAIN / 255), 1)
    tinted = small + weight * (np.array(VESSEL, np.float32) - small)
    return np.hstack([small, np.rint(tinted).astype(np.uint8)])
