"""From an image to what the network sees, and back to the image's pixels."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.images.field_of_view import field_of_view_diameter

MOST_PIXELS = 2**27  # of a working image; its feature maps need a hundred times as many bytes


@dataclass(frozen=True)
class WorkingImage:
    """An image at the network's working resolution.

    Shapes:
        `image` uint8 (h, w, 3) RGB; `field_of_view` bool (h, w); `mean`, `std` float32 (3,), of the image's values
        inside the field of view, in grey levels 0..255.
    """

    image: np.ndarray
    field_of_view: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    def tensor(self, rows: slice = slice(None), columns: slice = slice(None)) -> Tensor:
        """The network's input, float32 (3, h, w), of the whole image or of a part."""
        return normalize(self.image[rows, columns], self.field_of_view[rows, columns], self.mean, self.std)


class Preprocessor:
    """Brings images to a working resolution, given as a scale or as a field-of-view diameter.

    Args (exactly one of the two):
        scale: Working pixels per original pixel; `fov_diameter`, the diameter in pixels that the field of view
            shall have, so that vessels of any camera get about the same width.

    Raises:
        InputError: Where none, both or a value that is not positive is given.
    """

    def __init__(self, scale: float | None = None, fov_diameter: float | None = None) -> None:
        given = [value for value in (scale, fov_diameter) if value is not None]
        if len(given) != 1 or not isinstance(given[0], int | float) or not 0 < given[0] < math.inf:
            raise InputError(
                "the working resolution is not clear",
                expected="exactly one of data.scale and data.fov_diameter, above 0 (set the other to null)",
                got=f"scale={scale}, fov_diameter={fov_diameter}",
            )
        self.scale = scale
        self.fov_diameter = fov_diameter

    def for_case(self, case: Case) -> "Preprocessor":
        """This one, or one for the case's own field-of-view diameter, where it has one."""
        return self if case.fov_diameter is None else Preprocessor(fov_diameter=case.fov_diameter)

    def working_size(self, field_of_view: np.ndarray) -> tuple[int, int]:
        """(h, w) at working resolution for a mask of the image's size.

        Raises:
            InputError: Where that is more than `MOST_PIXELS`.
        """
        scale = self.scale or self.fov_diameter / field_of_view_diameter(field_of_view)  # type: ignore[operator]
        height, width = field_of_view.shape
        if not height * width * scale**2 <= MOST_PIXELS:
            raise InputError(
                f"an image of {width} x {height} pixels would be too large at working resolution",
                expected=f"at most {MOST_PIXELS:,} pixels",
                got=f"{scale:g} working pixels per original pixel",
                fix="choose a smaller data.scale or data.fov_diameter; a run's are in its config.yaml",
            )
        return max(1, round(height * scale)), max(1, round(width * scale))

    def prepare(
        self, image: np.ndarray, field_of_view: np.ndarray, size: tuple[int, int] | None = None
    ) -> WorkingImage:
        """Resize a uint8 (H, W, 3) image and its bool (H, W) field of view, and measure its colours.

        Args:
            size: What `working_size` gave, where it is known already.
        """
        size = size or self.working_size(field_of_view)
        image = resize_array(image, size)
        if field_of_view.shape != size:
            field_of_view = resize_array(field_of_view.astype(np.float32), size) >= 0.5
        mean, std = cv2.meanStdDev(image, mask=field_of_view.astype(np.uint8))
        return WorkingImage(image, field_of_view, mean[:, 0].astype(np.float32), std[:, 0].astype(np.float32))


def normalize(image: np.ndarray, field_of_view: np.ndarray, mean: np.ndarray, std: np.ndarray) -> Tensor:
    """Zero mean and unit variance inside the field of view, by the image's own statistics; zero outside.

    Shapes:
        uint8 (h, w, 3), bool (h, w), (3,), (3,) -> float32 (3, h, w).
    """
    grey_levels = np.arange(256, dtype=np.float32)[:, None]
    table = (grey_levels - mean) / np.maximum(std, 1.0)  # looked up: there are 256 values, and many more pixels
    values = np.empty((3, *image.shape[:2]), np.float32)
    for channel, plane in enumerate(cv2.split(image)):
        cv2.LUT(plane, table[:, channel], dst=values[channel])
    values *= field_of_view
    return torch.from_numpy(values)


def resize_array(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize (H, W[, C]) to (h, w[, C]): area averages when shrinking, bilinear when growing."""
    if array.shape[:2] == tuple(size):
        return array
    shrinks = size[0] * size[1] < array.shape[0] * array.shape[1]
    return cv2.resize(array, (size[1], size[0]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


@torch.no_grad()
def probability_at(logits: Tensor, size: tuple[int, int], field_of_view: Tensor) -> Tensor:
    """Vessel probability on the image's own pixel grid; zero outside the field of view. Gradients do not pass.

    Logits are interpolated, not probabilities: they are smooth where probabilities saturate.

    Shapes:
        (B, 1, h, w), (H, W), bool (B, 1, H, W) -> float32 (B, 1, H, W).

    Convention:
        `align_corners=False`, pixel centres.
    """
    return _resized(logits, size).sigmoid_().mul_(field_of_view)  # in place: an image may fill much of the memory


@torch.no_grad()
def spread_at(spread: Tensor, size: tuple[int, int], field_of_view: Tensor) -> Tensor:
    """A standard deviation of probabilities brought to the image's own pixel grid like their logits."""
    return _resized(spread, size).mul_(field_of_view)


def _resized(values: Tensor, size: tuple[int, int]) -> Tensor:
    if values.shape[-2:] == tuple(size):
        return values.to(torch.float32, copy=True)
    return F.interpolate(values.float(), size=size, mode="bilinear", align_corners=False, antialias=True)
