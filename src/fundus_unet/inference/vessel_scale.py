"""The working resolution at which the vessels of an image are as wide as those that a network knows.

The angle of view of a new image is not known, so that a field of view of one diameter may show vessels twice as wide
as another. A first look finds them, well enough to tell how wide the widest are.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor, WorkingImage, resize_array
from fundus_unet.inference.ensemble import Ensemble
from fundus_unet.inference.new_image import NewImage
from fundus_unet.inference.predictor import Predictor
from fundus_unet.metrics.topology import skeleton_of

WIDEST = 2.0
"""Field-of-view diameters of centrelines, the widest ones, whose mean calibre counts."""
LEAST = 0.5
"""With less than so many in all, nothing can be said."""
SMALLEST, LARGEST = 0.6, 2.5
"""Bounds of the diameter that is found, in diameters of the first look."""
STEP = 16
"""Diameters are multiples of it, so that images that are alike get the same size and go through together."""
_FINER = 2
_BEYOND = 0.1
"""Pixels by which twice the distance from a centreline to the edge exceeds the calibre on average: `calibres` of
`metrics.vessel_measures`, which is three times as slow, has the same mean on real vessels to half a percent."""


@dataclass(frozen=True)
class VesselScale:
    """Finds the field-of-view diameter at which the widest vessels of an image have a calibre.

    Args:
        predictor: Of the first look; it needs no test-time augmentation.
        look_at: Field-of-view diameter of the first look.
        calibre: What the widest vessels shall have.
        vessel_from: The probability from which the first look takes a pixel for vessel.

    Units:
        working pixels.
    """

    predictor: Predictor | Ensemble
    look_at: float
    calibre: float
    vessel_from: float = 0.5

    def diameter(self, working: WorkingImage) -> float:
        """The field-of-view diameter for an image that was brought to `look_at`.

        Where there are too few vessels to measure it is `look_at`.
        """
        size = tuple(_FINER * side for side in working.field_of_view.shape)
        field_of_view = resize_array(working.field_of_view.view(np.uint8), (size[0], size[1])) > 0
        (maps,) = self.predictor.maps([working], [field_of_view])
        found = widest_calibre(maps.probability >= self.vessel_from, _FINER * self.look_at)
        if found is None:
            return self.look_at
        factor = min(max(_FINER * self.calibre / found, SMALLEST), LARGEST)
        return max(1, round(self.look_at * factor / STEP)) * STEP

    def fitted(self, sample: NewImage) -> NewImage:
        """A new image at the working resolution that is found for it; the first look's where another is too large."""
        preprocessor = Preprocessor(fov_diameter=self.diameter(sample.working))
        try:
            size = preprocessor.working_size(sample.field_of_view)
        except InputError:
            return sample
        working = preprocessor.prepare(sample.image, sample.field_of_view, size)
        return replace(sample, working=working, scale=size[0] / sample.image.shape[0])


def widest_calibre(mask: np.ndarray, diameter: float) -> float | None:
    """The mean calibre of the widest vessels: over `WIDEST` diameters of centrelines. None where there are too few.

    A mean over much of the large vessels hardly changes with how many fine ones an image shows, or with a bleeding that
    is taken for a vessel.

    Shapes:
        bool (H, W).

    Units:
        pixels, as `diameter`, that of the field of view.
    """
    centres = skeleton_of(mask)
    if centres.sum() < LEAST * diameter:
        return None
    padded = np.pad(mask, 1).astype(np.uint8)  # what the frame cuts off has its edge there
    to_edge = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    found = np.sort(2 * to_edge[centres] - _BEYOND)
    return float(found[-max(1, round(WIDEST * diameter)) :].mean())
