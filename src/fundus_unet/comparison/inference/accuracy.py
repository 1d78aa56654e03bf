"""Dice of every backend on validation images: what a faster way costs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from fundus_unet.comparison.inference.backends import BACKENDS, REFERENCE
from fundus_unet.comparison.inference.program import Program
from fundus_unet.comparison.speed.measure import Tell
from fundus_unet.comparison.speed.row import one_line
from fundus_unet.data.images.store import LabelledImage
from fundus_unet.metrics.histogram import BINS, probability_histogram
from fundus_unet.metrics.segmentation import confusion_at


@dataclass
class Accuracy:
    """One backend's, pooled over the fields of view; None with the reason where it could not predict.

    Units:
        `dice_change` against the reference; differences of probability against the reference's, inside the field of
        view, the mean of all pixels and the largest.
    """

    backend: str
    images: int
    dice: float | None = None
    dice_change: float | None = None
    mean_difference: float | None = None
    largest_difference: float | None = None
    reason: str | None = None


def accuracy_of(
    names: Sequence[str],
    program: Program,
    samples: Sequence[LabelledImage],
    device: torch.device,
    tell: Tell = lambda doing: None,
) -> list[dict[str, Any]]:
    """A row per backend, of labelled images that the network did not learn from, at its own threshold."""
    exact: list[np.ndarray] = []
    rows, reference = [], None
    for name in dict.fromkeys([REFERENCE, *names]):
        row = Accuracy(name, len(samples))
        rows.append(row)
        tell(f"Dice of {name}")
        try:
            BACKENDS[name].set_memory()
            predictor = BACKENDS[name].predictor(program, device)
            maps = [predictor.probability(sample.working, sample.field_of_view) for sample in samples]
        except Exception as error:  # as for times: the others are measured
            row.reason = one_line(error)
            continue
        row.dice = _dice(maps, samples, program.facts.threshold)
        if name == REFERENCE:
            exact, reference = maps, row.dice
        if reference is not None:
            differences = [
                np.abs(one - other)[sample.field_of_view]
                for one, other, sample in zip(maps, exact, samples, strict=True)
            ]
            row.dice_change = row.dice - reference
            row.mean_difference = float(np.concatenate(differences).mean())
            row.largest_difference = float(max(found.max() for found in differences))
    return [asdict(row) for row in rows]


def _dice(maps: Sequence[np.ndarray], samples: Sequence[LabelledImage], threshold: float) -> float:
    pooled = torch.zeros(2, BINS, dtype=torch.int64)
    for probability, sample in zip(maps, samples, strict=True):
        arrays = (probability, sample.label, sample.field_of_view)
        pooled += probability_histogram(*(torch.from_numpy(array) for array in arrays))
    return confusion_at(pooled, threshold).dice
