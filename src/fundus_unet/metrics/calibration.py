"""Whether a probability of vessel means what it says: of pixels given 0.7, seven in ten should be vessel.

The binary form: the probability of vessel is binned, over all of [0, 1], and compared with the observed fraction of
vessel pixels. Guo et al. bin the probability of the class that was predicted, which of two is at least one half, and
compare it with accuracy.

Source:
    Guo, Pleiss, Sun, Weinberger, On Calibration of Modern Neural Networks, arXiv 1706.04599.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.histogram import BINS
from fundus_unet.metrics.segmentation import class_counts, ratio

CALIBRATION_BINS = 15
_LARGEST = BINS - 1
_WIDTH = _LARGEST // CALIBRATION_BINS
"""Of a bin, in bins of the histogram: a whole number of them."""


@dataclass(frozen=True)
class CalibrationBin:
    """The pixels whose probability of vessel lies in [low, high); in the last bin, high is included.

    Units:
        `mean_probability`, and `vessel_fraction`, the observed one, in [0, 1]; both nan without pixels.
    """

    low: float
    high: float
    pixels: int
    mean_probability: float
    vessel_fraction: float

    @property
    def error(self) -> float:
        """Observed minus said: above 0 where there are more vessels than the probability says; nan without pixels."""
        return self.vessel_fraction - self.mean_probability


def calibration_bins(histogram: Tensor) -> list[CalibrationBin]:
    """What the probability says and what is observed, in 15 bins of equal width over [0, 1].

    Shapes:
        histogram (2, BINS).

    Convention:
        bin k of the histogram counts as the probability k / (BINS - 1), which lies in it: exact for 0, for 1 and for
        probabilities stored in 8 or 16 bits, else at most 1 / BINS off. So much may the edges be off too.

    Raises:
        InputError: Where the histogram is empty.
    """
    pixels, vessels, said = _sums(histogram)
    return [
        CalibrationBin(
            number / CALIBRATION_BINS,
            (number + 1) / CALIBRATION_BINS,
            int(pixels[number]),
            ratio(float(said[number]), float(pixels[number])),
            ratio(float(vessels[number]), float(pixels[number])),
        )
        for number in range(CALIBRATION_BINS)
    ]


def bin_at(histogram: Tensor, threshold: float) -> CalibrationBin:
    """The one of `calibration_bins` that holds a threshold: what a pixel near it is worth.

    Raises:
        InputError: Where the threshold is outside [0, 1] or the histogram is empty.
    """
    if not 0.0 <= threshold <= 1.0:
        raise InputError("the threshold is not a probability", expected="a number in [0, 1]", got=threshold)
    return calibration_bins(histogram)[min(int(threshold * CALIBRATION_BINS), CALIBRATION_BINS - 1)]


def expected_calibration_error(histogram: Tensor) -> float:
    """The mean over all pixels of |observed vessel fraction - mean probability| of the bin that a pixel is in.

    The bins are `calibration_bins`; an empty one counts nothing. Most pixels of a fundus image are background with a
    probability near 0, so that a small error overall can hide a large one near the threshold.

    Shapes:
        histogram (2, BINS).

    Raises:
        InputError: Where the histogram is empty.
    """
    pixels, vessels, said = _sums(histogram)
    return float((vessels - said).abs().sum() / pixels.sum())


def _sums(histogram: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels, vessel pixels, and the sum of their probabilities in every bin, (15,) float64 each."""
    negatives, positives = class_counts(histogram)
    step = torch.arange(BINS)
    place = (step // _WIDTH).clamp_(max=CALIBRATION_BINS - 1)
    pixels = negatives + positives
    # summed as integers, so that no order of summation changes a digit
    sums = torch.zeros(3, CALIBRATION_BINS, dtype=torch.int64)
    sums.index_add_(1, place, torch.stack([pixels, positives, pixels * step]))
    in_bins, vessels, said = sums.to(torch.float64)
    return in_bins, vessels, said / _LARGEST
