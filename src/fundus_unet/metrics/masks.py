"""How a map of vessel probability becomes a mask: at one threshold, or by hysteresis at two.

At one threshold a faint vessel falls into pieces, and noise adds more. Hysteresis keeps a faint stretch where it is
connected to what is surely a vessel, and drops what is nowhere sure, or short.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import cv2
import numpy as np
import torch

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.segmentation import vessel_mask

THRESHOLD, HYSTERESIS = "threshold", "hysteresis"
MASKS = (THRESHOLD, HYSTERESIS)


class MaskRule(Protocol):
    """What makes a mask."""

    @property
    def least_probability(self) -> float:
        """That a pixel of the mask has."""

    def mask(self, probability: np.ndarray, field_of_view: np.ndarray, fov_diameter: float) -> np.ndarray:
        """The vessels inside the field of view.

        Shapes:
            float (H, W), bool (H, W) -> bool (H, W).

        Units:
            probability in [0, 1]; `fov_diameter` in pixels of the map.
        """


@dataclass(frozen=True)
class Threshold:
    """A pixel is vessel where its probability >= `least_probability`.

    Raises:
        InputError: Where that is outside [0, 1].
    """

    least_probability: float

    def __post_init__(self) -> None:
        if not 0 <= self.least_probability <= 1:
            raise InputError("the threshold cannot be used", expected="0 to 1", got=self.least_probability)

    def mask(self, probability: np.ndarray, field_of_view: np.ndarray, fov_diameter: float) -> np.ndarray:
        """As `MaskRule.mask`."""
        return possible_vessels(probability, field_of_view, self.least_probability)


@dataclass(frozen=True)
class Hysteresis:
    """Pieces of the mask at the threshold `low` that reach `high` somewhere and are long enough.

    Units:
        `low` and `high` are probabilities, `least_length` is in field-of-view diameters, so that it fits images of
        every resolution.

    Convention:
        pieces are 8-connected, as `topology` counts them, and found inside the field of view alone. The length of one
        is its bounding box's diagonal (`Pieces.lengths`).

    Raises:
        InputError: Where low, high or the length is outside [0, 1], or low is above high.

    Source:
        Canny, IEEE TPAMI 8(6):679-698, 1986. `skimage.filters.apply_hysteresis_threshold` does the same with
        4-connected pieces, > in place of >=, and without a length.
    """

    low: float
    high: float
    least_length: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 1:
            raise InputError(
                "these thresholds make no hysteresis", expected="0 <= low <= high <= 1", got=f"{self.low}, {self.high}"
            )
        if not 0 <= self.least_length <= 1:
            raise InputError(
                "the least length of a piece cannot be used",
                expected="0 to 1 field-of-view diameters",
                got=self.least_length,
            )

    @property
    def least_probability(self) -> float:
        """That a pixel of the mask has."""
        return self.low

    def mask(self, probability: np.ndarray, field_of_view: np.ndarray, fov_diameter: float) -> np.ndarray:
        """As `MaskRule.mask`."""
        pieces = pieces_of(possible_vessels(probability, field_of_view, self.low))
        kept = np.zeros(len(pieces.lengths), bool)
        kept[pieces.number[possible_vessels(probability, field_of_view, self.high)]] = True
        kept &= pieces.lengths >= self.least_length * fov_diameter
        kept[0] = False
        return kept[pieces.number]


def possible_vessels(probability: np.ndarray, field_of_view: np.ndarray, threshold: float) -> np.ndarray:
    """Where `vessel_mask` sees a vessel inside the field of view: bool (H, W)."""
    return vessel_mask(torch.from_numpy(probability), threshold).numpy() & field_of_view


class Pieces(NamedTuple):
    """The 8-connected pieces of a mask.

    Shapes:
        `number` int32 (H, W), 0 for background; `lengths` float (pieces + 1,), by number, of which the first means
        nothing.

    Units:
        `lengths` in pixels: 1, plus the distance between opposite corners of the smallest upright rectangle around
        the piece. A straight vessel has its own length, a single pixel 1; of what winds or branches it is the extent.
    """

    number: np.ndarray
    lengths: np.ndarray


def pieces_of(mask: np.ndarray) -> Pieces:
    """Number the pieces of a mask: bool (H, W)."""
    _, number, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    width, height = boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT]
    return Pieces(number, 1 + np.hypot(width - 1.0, height - 1.0))
