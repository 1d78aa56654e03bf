"""Vessel segmentation scores derived from a histogram of vessel probability."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.histogram import BINS


@dataclass(frozen=True)
class Confusion:
    """Pixel counts of a binary segmentation, vessel being the positive class.

    Units:
        pixels. Every score is a fraction, and MCC lies in [-1, 1].

    Convention:
        a score without a value by its definition is nan, so that it can be left out of a mean over images; MCC is 0
        where prediction or label has one class only, as in scikit-learn.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def dice(self) -> float:
        """2 TP / (2 TP + FP + FN), which is F1; nan where neither prediction nor label has a vessel."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def sensitivity(self) -> float:
        """TP / (TP + FN), which is recall; nan where the label has no vessel."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """TN / (TN + FP); nan where the label has no background."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def accuracy(self) -> float:
        """(TP + TN) / all; nan without pixels."""
        return ratio(self.tp + self.tn, self.tp + self.fp + self.fn + self.tn)

    @property
    def mcc(self) -> float:
        """Matthews correlation coefficient; 0 where prediction or label has one class only, nan without pixels."""
        if self.tp + self.fp + self.fn + self.tn == 0:
            return math.nan
        product = (self.tp + self.fp) * (self.tp + self.fn) * (self.tn + self.fp) * (self.tn + self.fn)
        return (self.tp * self.tn - self.fp * self.fn) / math.sqrt(product) if product else 0.0


class PrecisionRecallCurve(NamedTuple):
    """Operating points in order of rising recall and falling threshold.

    Shapes:
        three float64 tensors (points,).
    """

    precision: Tensor
    recall: Tensor
    threshold: Tensor


def confusion_at(histogram: Tensor, threshold: float) -> Confusion:
    """The confusion where a pixel is called vessel if its probability >= threshold.

    Shapes:
        histogram (2, BINS).

    Convention:
        the threshold is rounded to the nearest bin edge (0.5 is one); 1 means the last bin, which holds p = 1.

    Raises:
        InputError: Where the threshold is outside [0, 1] or the histogram is empty.
    """
    edge = _edge(threshold)
    negatives, positives = class_counts(histogram)
    fp, tp = int(negatives[edge:].sum()), int(positives[edge:].sum())
    return Confusion(tp=tp, fp=fp, fn=int(positives.sum()) - tp, tn=int(negatives.sum()) - fp)


def vessel_mask(probability: Tensor, threshold: float) -> Tensor:
    """True in exactly those pixels that `confusion_at` calls vessel.

    Shapes:
        probability of any shape; result bool, alike.

    Units:
        probability in [0, 1].

    Raises:
        InputError: Where the threshold is outside [0, 1].
    """
    # float16 would round the edge.
    return probability.to(torch.promote_types(probability.dtype, torch.float32)) >= threshold_edge(threshold)


def threshold_edge(threshold: float) -> float:
    """The bin edge that a threshold is rounded to, as in `confusion_at`; a number that float32 has.

    Raises:
        InputError: Where the threshold is outside [0, 1].
    """
    return _edge(threshold) / BINS


def auroc(histogram: Tensor) -> float:
    """Area under the ROC curve by trapezoids, which counts a tie as one half; nan where only one class is present.

    Shapes:
        histogram (2, BINS).

    Raises:
        InputError: Where the histogram is empty.
    """
    negatives, positives = (count.to(torch.float64) for count in class_counts(histogram))
    ranked_below = negatives.cumsum(0) - 0.5 * negatives
    return ratio(float(positives @ ranked_below), float(positives.sum() * negatives.sum()))


def average_precision(histogram: Tensor) -> float:
    """Sum over thresholds of precision times the step in recall, without interpolation; nan without a labelled vessel.

    Shapes:
        histogram (2, BINS).

    Raises:
        InputError: Where the histogram is empty.

    Source:
        `sklearn.metrics.average_precision_score`, which returns 0 where this returns nan.
    """
    _, positives = class_counts(histogram)
    precision, _ = _precision_recall_by_bin(histogram)
    occupied = positives > 0
    return ratio(float(positives[occupied].to(torch.float64) @ precision[occupied]), int(positives.sum()))


def best_dice_threshold(histogram: Tensor) -> float:
    """The threshold among 0.01, 0.02, ... 0.99 with the highest Dice, the lowest of them on ties.

    To be chosen on the validation images, never on the test images.

    Shapes:
        histogram (2, BINS).

    Raises:
        InputError: Where the histogram has no vessel pixel, because no threshold is better than another there.
    """
    if not bool(class_counts(histogram)[1].any()):
        raise InputError("there is no best threshold without vessel pixels", expected="at least one labelled vessel")
    # `max` keeps the first of equals.
    return max((step / 100 for step in range(1, 100)), key=lambda threshold: confusion_at(histogram, threshold).dice)


def precision_recall_curve(histogram: Tensor, points: int = 200) -> PrecisionRecallCurve:
    """Operating points that reach recall 1/points, 2/points, ... 1 at the highest threshold possible.

    Even steps of recall cover the curve; even steps of threshold leave it bare where a network is mostly sure. Points
    repeat where one bin spans several steps.

    Shapes:
        histogram (2, BINS); three tensors (points,).

    Raises:
        InputError: Where points < 1 or the histogram has no vessel pixel.
    """
    if points < 1:
        raise InputError("a curve needs points", expected="points >= 1", got=points)
    if not bool(class_counts(histogram)[1].any()):
        raise InputError("there is no recall without vessel pixels", expected="at least one labelled vessel")
    precision, recall = (by_bin.flip(0) for by_bin in _precision_recall_by_bin(histogram))
    reached = torch.arange(1, points + 1, dtype=torch.float64) / points
    index = torch.searchsorted(recall, reached)
    return PrecisionRecallCurve(precision[index], recall[index], (BINS - 1 - index).to(torch.float64) / BINS)


def _edge(threshold: float) -> int:
    if not 0.0 <= threshold <= 1.0:
        raise InputError("the threshold is not a probability", expected="a number in [0, 1]", got=threshold)
    return min(round(threshold * BINS), BINS - 1)


def _precision_recall_by_bin(histogram: Tensor) -> tuple[Tensor, Tensor]:
    """Precision and recall with the threshold at the lower edge of each bin, (BINS,) float64; nan for 0 / 0."""
    fp, tp = (count.flip(0).cumsum(0).flip(0).to(torch.float64) for count in class_counts(histogram))
    return tp / (tp + fp), tp / tp[0]


def class_counts(histogram: Tensor) -> tuple[Tensor, Tensor]:
    """The background and the vessel pixels of every bin, on the CPU, because some accelerators have no float64.

    Shapes:
        histogram (2, BINS); two tensors (BINS,).

    Raises:
        InputError: Where the histogram is empty.
    """
    negatives, positives = histogram.cpu()
    if not bool(negatives.any()) and not bool(positives.any()):
        raise _no_pixels()
    return negatives, positives


def ratio(numerator: float, denominator: float) -> float:
    """The quotient; nan where the denominator is 0."""
    return numerator / denominator if denominator else math.nan


def _no_pixels() -> InputError:
    return InputError(
        "there is no pixel to score",
        expected="at least one pixel inside the region",
        fix="check that the field of view is not empty and that its size is that of the image",
    )
