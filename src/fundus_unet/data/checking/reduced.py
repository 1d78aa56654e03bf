"""A case at the reduced resolution at which it is checked."""

from dataclasses import dataclass

import cv2
import numpy as np

from fundus_unet.data.checking.files import CaseFiles
from fundus_unet.data.images.field_of_view import estimate_field_of_view
from fundus_unet.data.images.preprocessing import resize_array

SIDE = 400
"""Of the longer side, in pixels: large vessels are some 9 pixels wide then, and a case is checked in 0.1 seconds."""


@dataclass(frozen=True)
class ReducedCase:
    """An image with what belongs to it, at most `SIDE` pixels high and wide.

    Shapes:
        image (h, w, 3) uint8; label and second_label (h, w) float32, the share of vessel in each pixel; mask (h, w)
        bool; estimated (h, w) bool, the field of view by the image alone.

    Units:
        scale: reduced pixels per original pixel.
    """

    image: np.ndarray
    label: np.ndarray | None
    second_label: np.ndarray | None
    mask: np.ndarray | None
    estimated: np.ndarray
    scale: float

    @property
    def has_border(self) -> bool:
        """Whether the image shows where its field of view ends."""
        return not self.estimated.all()


def reduce_case(files: CaseFiles) -> ReducedCase:
    """Bring a case, whose image could be read, to the reduced resolution."""
    assert files.image is not None
    height, width = files.image.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    image = resize_array(files.image, size)
    mask = None if files.mask is None else _share(files.mask.view(np.uint8), size)
    return ReducedCase(
        image=image,
        label=None if files.label is None else _share(files.label, size),
        second_label=None if files.second_label is None else _share(files.second_label, size),
        mask=None if mask is None else mask >= 0.5,
        estimated=estimate_field_of_view(image),
        scale=scale,
    )


def _share(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """{0, 1} (H, W) -> float32 (h, w), the share of ones."""
    return resize_array(values * np.uint8(255), size).astype(np.float32) / 255


def eroded(region: np.ndarray, pixels: int) -> np.ndarray:
    """The region without so many pixels along its rim and along the frame: bool (h, w)."""
    side = 2 * pixels + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    kept: np.ndarray = cv2.erode(region.astype(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    return kept


def extent(region: np.ndarray) -> int:
    """The larger side of the region's bounding box, in pixels; 0 where it is empty."""
    sides = [np.flatnonzero(region.any(axis=axis)) for axis in (0, 1)]
    return max((int(side[-1] - side[0]) + 1 for side in sides if side.size), default=0)
