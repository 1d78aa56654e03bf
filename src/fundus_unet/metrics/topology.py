"""Scores of the vessel tree's connections: clDice and the Betti-0 error.

Dice weighs a pixel of a wide vessel like a pixel of a capillary, and a gap of two pixels costs it next to nothing. Here
a vessel counts by its length, and a gap that splits it counts as one more piece, however short.
"""

import math
from dataclasses import dataclass

import numpy as np

from fundus_unet.core.errors import InputError


@dataclass(frozen=True)
class ThinnedMask:
    """A mask with its skeleton and its pieces, found once for every mask that it is compared with.

    Shapes:
        mask and skeleton bool (H, W), the skeleton inside the mask.

    Convention:
        `components` counts the 8-connected pieces, which is the Betti number 0.
    """

    mask: np.ndarray
    skeleton: np.ndarray
    components: int


def thinned(mask: np.ndarray, region: np.ndarray | None = None) -> ThinnedMask:
    """Find the skeleton and the pieces of a mask.

    Pixels outside the region are background, so that a vessel ends where the region does; their values are not looked
    at.

    Shapes:
        mask and region (H, W).

    Units:
        mask in {0, 1}; region true where pixels count (None: everywhere).

    Raises:
        InputError: Where the mask is no image, the shapes differ or a value is not 0 or 1.
    """
    if mask.ndim != 2:
        raise InputError("topology is that of one image", expected="a mask (H, W)", got=mask.shape)
    if region is not None:
        _check_same_shape("mask and region differ in shape", mask, region)
        mask = np.where(region, mask, np.zeros((), mask.dtype))
    if mask.dtype != bool and not ((mask == 0) | (mask == 1)).all():
        raise InputError(
            "the mask is not binary",
            expected="0 (background) and 1 (vessel) only",
            got=f"values from {mask.min():g} to {mask.max():g}",
            fix="threshold a probability first, and a mask stored as 0 and 255 too",
        )
    mask = mask.astype(bool)
    from skimage.measure import label as label_components  # half a second, which no prediction needs

    _, components = label_components(mask, connectivity=2, return_num=True)
    return ThinnedMask(mask, skeleton_of(mask), int(components))


def skeleton_of(mask: np.ndarray) -> np.ndarray:
    """The centrelines of a mask, one pixel wide: bool (H, W) -> bool (H, W).

    Source:
        `skimage.morphology.skeletonize`, Zhang and Suen's thinning.
    """
    from skimage.morphology import skeletonize

    return skeletonize(mask)


def skeleton_length(skeleton: np.ndarray) -> float:
    """Length of a skeleton along its pixels: 1 to a neighbour in row or column, the square root of 2 to a diagonal one.

    A diagonal step beside a corner pixel is not counted: the two steps over the corner are.

    Shapes:
        bool (H, W). Units: pixels.
    """
    s = skeleton
    straight = int((s[:, :-1] & s[:, 1:]).sum() + (s[:-1] & s[1:]).sum())
    falling = s[:-1, :-1] & s[1:, 1:] & ~(s[:-1, 1:] | s[1:, :-1])
    rising = s[:-1, 1:] & s[1:, :-1] & ~(s[:-1, :-1] | s[1:, 1:])
    return straight + math.sqrt(2) * int(falling.sum() + rising.sum())


@dataclass(frozen=True)
class CentrelineOverlap:
    """How much of each mask's skeleton lies inside the other mask; adds up over images.

    Units:
        pixels of skeleton. Every score is a fraction.

    Convention:
        as in `Confusion`, a score without a value by its definition is nan.

    Source:
        Shit et al., clDice, arXiv 2003.07311.
    """

    prediction: int = 0
    prediction_in_label: int = 0
    label: int = 0
    label_in_prediction: int = 0

    def __add__(self, other: "CentrelineOverlap") -> "CentrelineOverlap":
        return CentrelineOverlap(
            prediction=self.prediction + other.prediction,
            prediction_in_label=self.prediction_in_label + other.prediction_in_label,
            label=self.label + other.label,
            label_in_prediction=self.label_in_prediction + other.label_in_prediction,
        )

    @property
    def topology_precision(self) -> float:
        """The share of the prediction's skeleton inside the label; nan where the prediction has no vessel."""
        return self.prediction_in_label / self.prediction if self.prediction else math.nan

    @property
    def topology_sensitivity(self) -> float:
        """The share of the label's skeleton inside the prediction; nan where the label has no vessel."""
        return self.label_in_prediction / self.label if self.label else math.nan

    @property
    def cldice(self) -> float:
        """Harmonic mean of the two; 0 where only one mask has a vessel, nan where neither has."""
        if self.prediction_in_label and self.label_in_prediction:
            precision, sensitivity = self.topology_precision, self.topology_sensitivity
            return 2 * precision * sensitivity / (precision + sensitivity)
        return 0.0 if self.prediction or self.label else math.nan


def centreline_overlap(prediction: ThinnedMask, label: ThinnedMask) -> CentrelineOverlap:
    """Count the pixels of each skeleton, and those inside the other mask.

    Raises:
        InputError: Where the masks differ in shape.
    """
    _check_same_shape("prediction and label differ in shape", prediction.mask, label.mask)
    return CentrelineOverlap(
        prediction=int(prediction.skeleton.sum()),
        prediction_in_label=int((prediction.skeleton & label.mask).sum()),
        label=int(label.skeleton.sum()),
        label_in_prediction=int((label.skeleton & prediction.mask).sum()),
    )


def betti0_error(prediction: ThinnedMask, label: ThinnedMask) -> int:
    """By how many pieces the prediction has more or fewer than the label; 0 where both are empty.

    Convention:
        of one image; pieces too many in one image do not make up for pieces missing in another, so a set of images
        has a mean of errors, and no error of summed pieces. A piece is counted wherever it lies.

    Raises:
        InputError: Where the masks differ in shape.
    """
    _check_same_shape("prediction and label differ in shape", prediction.mask, label.mask)
    return abs(prediction.components - label.components)


def _check_same_shape(problem: str, one: np.ndarray, other: np.ndarray) -> None:
    if one.shape != other.shape:
        raise InputError(problem, expected=one.shape, got=other.shape)
