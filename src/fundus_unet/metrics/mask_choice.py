"""The hysteresis that is best on validation: by Dice first, then clDice, then the number of pieces."""

from dataclasses import dataclass

import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.masks import Hysteresis, pieces_of, possible_vessels
from fundus_unet.metrics.topology import skeleton_of

THRESHOLDS = tuple(step / 20 for step in range(2, 20))
"""Low and high ones."""
LEAST_LENGTHS = (0.0, 0.005, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08)
"""In field-of-view diameters."""
NEARLY = 0.002
"""Masks whose Dice differs by no more are told apart by clDice, and then by their pieces."""


@dataclass(frozen=True)
class ChosenMasks:
    """What was best on validation: the threshold of a plain mask, and a hysteresis.

    Args:
        hysteresis: None where it was not chosen, as in runs and model files of before.
    """

    threshold: float
    hysteresis: Hysteresis | None = None


class HysteresisChoice:
    """Counts what every hysteresis of `THRESHOLDS` and `LEAST_LENGTHS` gives, image after image.

    Pieces are numbered once per low threshold. What a high threshold and a least length keep are whole ones of them,
    so sums over pieces give overlaps with the label, and the number of pieces, of all settings at once. So do those
    over skeletons: thinning looks at a pixel's neighbours alone, and no piece has another's beside it.
    """

    def __init__(self) -> None:
        shape = (len(THRESHOLDS), len(THRESHOLDS), len(LEAST_LENGTHS))  # low, high, length
        self._hits, self._pixels, self._piece_errors = (np.zeros(shape, np.int64) for _ in range(3))
        self._line, self._line_hits, self._found = (np.zeros(shape, np.int64) for _ in range(3))
        self._vessel = self._vessel_line = 0

    def add(self, probability: np.ndarray, label: np.ndarray, field_of_view: np.ndarray, fov_diameter: float) -> None:
        """Count one image.

        Shapes:
            float (H, W), {0, 1} (H, W), bool (H, W).

        Units:
            `fov_diameter` in pixels of the image.
        """
        vessel = (label > 0) & field_of_view
        labelled = len(pieces_of(vessel).lengths) - 1
        centreline = np.flatnonzero(skeleton_of(vessel))
        self._vessel += int(vessel.sum())
        self._vessel_line += len(centreline)
        reached = np.zeros(probability.shape, np.uint8)  # so many of the thresholds
        for threshold in THRESHOLDS:
            reached += possible_vessels(probability, field_of_view, threshold)
        least = np.array(LEAST_LENGTHS) * fov_diameter
        for low in range(len(THRESHOLDS)):
            mask = reached > low
            number, lengths = pieces_of(mask)
            line = np.flatnonzero(skeleton_of(mask))
            pixels = np.flatnonzero(number)
            of_pixel = number.ravel()[pixels]
            peaks = np.zeros(len(lengths), np.uint8)
            np.maximum.at(peaks, of_pixel, reached.ravel()[pixels])
            cells = peaks, np.searchsorted(least, lengths, side="right")
            for total, where in (
                (self._pixels, pixels),
                (self._hits, pixels[vessel.ravel()[pixels]]),
                (self._line, line),
                (self._line_hits, line[vessel.ravel()[line]]),
                (self._found, centreline),
            ):
                total[low] += _kept(cells, np.bincount(number.ravel()[where], minlength=len(lengths)))
            self._piece_errors[low] += np.abs(_kept(cells, np.ones(len(lengths), np.int64)) - labelled)

    def best(self) -> Hysteresis:
        """The setting of highest Dice, then clDice, then fewest pieces too many or missing.

        Dice and clDice leave what is within `NEARLY` of the best. Of equals the one of highest Dice, then of lowest
        low, high and length.

        Raises:
            InputError: Where no image has a vessel in its field of view.
        """
        if not self._vessel:
            raise InputError("there is no best mask without vessel pixels", expected="at least one labelled vessel")
        dice = 2 * self._hits / (self._pixels + self._vessel)
        step = np.arange(len(THRESHOLDS))
        left = np.broadcast_to(step[:, None, None] <= step[:, None], dice.shape)
        for score in (dice, self._cldice()):
            left = left & (score >= score[left].max() - NEARLY)
        left = left & (self._piece_errors == self._piece_errors[left].min())
        low, high, least = np.unravel_index(np.where(left, dice, -1.0).argmax(), dice.shape)
        return Hysteresis(THRESHOLDS[low], THRESHOLDS[high], LEAST_LENGTHS[least])

    def _cldice(self) -> np.ndarray:
        """As `CentrelineOverlap.cldice`, of every setting."""
        precision = self._line_hits / np.maximum(self._line, 1)
        sensitivity = self._found / self._vessel_line
        return 2 * precision * sensitivity / np.maximum(precision + sensitivity, np.finfo(float).tiny)


def _kept(cells: tuple[np.ndarray, np.ndarray], values: np.ndarray) -> np.ndarray:
    """Sums of the pieces' values at every high threshold and least length: int64 (highs, lengths).

    Args:
        cells: How many of the thresholds and of the lengths each piece reaches; the background, none.
    """
    table = np.zeros((len(THRESHOLDS) + 1, len(LEAST_LENGTHS) + 1), np.int64)
    np.add.at(table, cells, values)
    return table[::-1, ::-1].cumsum(axis=0).cumsum(axis=1)[::-1, ::-1][1:, 1:]
