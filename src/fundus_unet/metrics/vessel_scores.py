"""Segmentation scores accumulated over batches, inside the field of view."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.histogram import BINS, probability_histogram
from fundus_unet.metrics.registry import Counts, scores_of


class VesselScores(Metric):
    """Scores pooled over all pixels of all updates: those of `registry` that a histogram gives.

    Call `update` per batch, and `compute` and `reset` at the end of the epoch. Calling the metric itself scores the
    batch too, and fails on a batch without a pixel in the region, as `compute` does where no update had one.

    Shapes:
        `histogram` is (2, BINS) int64, the sum of every update's, for whatever `compute` does not give (a best
        threshold, a curve). Under several processes it holds its own process's part outside of `compute`.

    Raises:
        InputError: Where the threshold is outside [0, 1].
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    histogram: Tensor

    def __init__(self, threshold: float = 0.5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0.0 <= threshold <= 1.0:
            raise InputError("the threshold is not a probability", expected="a number in [0, 1]", got=threshold)
        self.threshold = threshold
        self.add_state("histogram", default=torch.zeros(2, BINS, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, probability: Tensor, label: Tensor, region: Tensor | None = None) -> None:
        """Count the pixels of a batch.

        Shapes:
            probability, label and region alike, any shape.

        Units:
            probability in [0, 1]; label in {0, 1}; region true where pixels count (None: everywhere).

        Raises:
            InputError: As `probability_histogram`.
        """
        self.histogram += probability_histogram(probability, label, region).to(self.histogram.device)

    def compute(self) -> dict[str, Tensor]:
        """The scores of all updates since the last reset, as scalars.

        Raises:
            InputError: Where no pixel was counted.
        """
        values = scores_of(Counts(self.histogram, self.threshold))
        return {name: torch.tensor(value, device=self.histogram.device) for name, value in values.items()}
