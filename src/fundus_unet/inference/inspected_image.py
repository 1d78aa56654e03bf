"""An image reduced to what checks of its quality look at: the same size for every camera, so that they cost little."""

from dataclasses import dataclass

import cv2
import numpy as np

from fundus_unet.data.images.preprocessing import WorkingImage, resize_array

DIAMETER = 512
RIM = 0.03
"""Of the field-of-view diameter: what is nearer to the rim is not looked at, since its step is no edge of a vessel."""


@dataclass(frozen=True)
class InspectedImage:
    """Where the field of view is larger than `DIAMETER`, it is reduced to it.

    Shapes:
        `image` uint8 (h, w, 3) RGB; `field_of_view` bool (h, w); `inside` bool (h, w), without the rim; never empty.

    Units:
        `diameter` of the field of view, in these pixels.
    """

    image: np.ndarray
    field_of_view: np.ndarray
    inside: np.ndarray
    diameter: float

    @classmethod
    def of(cls, working: WorkingImage, diameter: float) -> "InspectedImage":
        """Args: `diameter` of the field of view in pixels of the working image."""
        factor = min(1.0, DIAMETER / diameter)
        size = tuple(max(1, round(side * factor)) for side in working.image.shape[:2])
        image = resize_array(working.image, (size[0], size[1]))
        field = resize_array(working.field_of_view.astype(np.uint8) * np.uint8(255), (size[0], size[1])) > 127
        if not field.any():
            field = np.ones_like(field)
        side = 2 * max(1, round(RIM * diameter * factor)) + 1
        # the frame cuts a field of view off without a step
        eroded = cv2.erode(field.astype(np.uint8), np.ones((side, side), np.uint8), borderValue=1) > 0
        return cls(image, field, eroded if eroded.any() else field, diameter * factor)
