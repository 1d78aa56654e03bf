"""Every metric, once: evaluation, TensorBoard, tables and the comparison read them from here.

A new metric is one more entry of `METRICS`; what it is computed from is a `Counts`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from fundus_unet.metrics.calibration import expected_calibration_error
from fundus_unet.metrics.segmentation import Confusion, auroc, average_precision, confusion_at
from fundus_unet.metrics.topology import CentrelineOverlap


@dataclass(frozen=True)
class Counts:
    """What a prediction and a label have in common, of one image or of many.

    Args:
        histogram: (2, BINS), the vessel probability's of background and of vessel pixels.
        threshold: From which probability on a pixel is called vessel.
        overlap: Of the skeletons; None where they were not found.
        piece_error: By how many pieces the prediction is off; None of several images, or where pieces were not counted.
        ranked: Whether there is a probability, which ranks pixels; a human observer's mask does not.
    """

    histogram: Tensor
    threshold: float = 0.5
    overlap: CentrelineOverlap | None = None
    piece_error: int | None = None
    ranked: bool = True

    @cached_property
    def confusion(self) -> Confusion:
        """At the threshold."""
        return confusion_at(self.histogram, self.threshold)

    def of_ranks(self, score: Callable[[Tensor], float]) -> float | None:
        """A score of the probability and not of a mask, from the histogram; None where there is a mask alone."""
        return score(self.histogram) if self.ranked else None

    def __add__(self, other: "Counts") -> "Counts":
        """Both, pooled: pieces too many in one image do not make up for pieces missing in another."""
        overlap = self.overlap + other.overlap if self.overlap and other.overlap else None
        return replace(self, histogram=self.histogram + other.histogram, overlap=overlap, piece_error=None)


@dataclass(frozen=True)
class Metric:
    """One metric.

    Args:
        key: Its name in files, and in TensorBoard below `val/`.
        title: Its name in tables.
        short: Its name where there is little room.
        compute: Its value, nan where it is undefined; None where the counts do not hold what it needs.
        digits: So many after the point.
        pooled: Whether it has a value over all pixels of several images; else its mean over images is shown.
        range: The least and the greatest value it can have.
        column: Whether evaluation has a column for it on the terminal; else it tells it below the table.
    """

    key: str
    title: str
    short: str
    compute: Callable[[Counts], float | None]
    digits: int = 4
    lower_is_better: bool = False
    pooled: bool = True
    range: tuple[float, float] = (0.0, 1.0)
    column: bool = True

    def format(self, value: float | None) -> str:
        """As tables show it; nothing where it is undefined."""
        return "" if value is None else f"{value:.{self.digits}f}"


_METRICS = (
    Metric("dice", "Dice", "Dice", lambda counts: counts.confusion.dice),
    Metric("cldice", "clDice", "clDice", lambda counts: counts.overlap.cldice if counts.overlap else None),
    Metric(
        "betti0_error",
        "Betti-0 error",
        "pieces",
        lambda counts: counts.piece_error,
        digits=1,
        lower_is_better=True,
        pooled=False,
        range=(0.0, math.inf),
    ),
    Metric("sensitivity", "sensitivity", "sens.", lambda counts: counts.confusion.sensitivity),
    Metric("specificity", "specificity", "spec.", lambda counts: counts.confusion.specificity),
    Metric("accuracy", "accuracy", "acc.", lambda counts: counts.confusion.accuracy),
    Metric("mcc", "MCC", "MCC", lambda counts: counts.confusion.mcc, range=(-1.0, 1.0)),
    Metric("auroc", "AUROC", "AUROC", lambda counts: counts.of_ranks(auroc)),
    Metric("average_precision", "AP", "AP", lambda counts: counts.of_ranks(average_precision)),
    Metric(
        "ece",
        "ECE",
        "ECE",
        lambda counts: counts.of_ranks(expected_calibration_error),
        lower_is_better=True,
        column=False,
    ),
)
METRICS: dict[str, Metric] = {metric.key: metric for metric in _METRICS}
"""By key, in the order of tables."""


def scores_of(counts: Counts) -> dict[str, float]:
    """The value of every metric that these counts have one for, by key; nan where it is undefined.

    Raises:
        InputError: Where no pixel was counted.
    """
    values = {key: metric.compute(counts) for key, metric in METRICS.items()}
    return {key: value for key, value in values.items() if value is not None}
