"""The evaluation protocol: every photograph at its original resolution, against its original label."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.preprocess import Preprocessor
from fundus_unet.data.reading import read_label
from fundus_unet.data.store import Photograph, decode
from fundus_unet.inference.predictor import Predictor
from fundus_unet.metrics.histogram import BINS, probability_histogram
from fundus_unet.metrics.protocol import over_images
from fundus_unet.metrics.segmentation import best_dice_threshold, confusion_at, scores

REGIONS = ("field_of_view", "whole_image")
NETWORK = "network at 0.5"
NETWORK_VALIDATED = "network at validation threshold"
SECOND_OBSERVER = "second observer"

OnPhotograph = Callable[[Photograph, np.ndarray], None]


class Tally:
    """Scores of one reader (a network at a threshold, or an observer) in one region, pooled and per photograph."""

    def __init__(self, threshold: float, ranks: bool) -> None:
        self.threshold = threshold
        self.ranks = ranks  # an observer's mask has no ranking of pixels, so no AUROC and no average precision
        self.pooled = torch.zeros(2, BINS, dtype=torch.int64)
        self.per_image: dict[str, dict[str, float]] = {}

    def add(self, name: str, histogram: Tensor) -> None:
        self.pooled += histogram
        self.per_image[name] = self._scores(histogram)

    def summary(self) -> dict[str, Any]:
        return {
            "threshold": self.threshold,
            "pooled": self._scores(self.pooled),
            "over_images": {name: asdict(value) for name, value in over_images(list(self.per_image.values())).items()},
        }

    def _scores(self, histogram: Tensor) -> dict[str, float]:
        return scores(histogram, self.threshold) if self.ranks else confusion_at(histogram, 0.5).scores()


class Evaluation:
    """All readers in all regions over the photographs of one split.

    Args: `threshold` is the one that was best on validation.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.tallies: dict[str, dict[str, Tally]] = {region: {} for region in REGIONS}

    def add(self, photograph: Photograph, probability: np.ndarray) -> None:
        """Count one photograph; its second observer's label is read here, where there is one."""
        self._add(photograph, probability, {NETWORK: 0.5, NETWORK_VALIDATED: self.threshold}, ranks=True)
        second = photograph.case.second_label
        if second is not None:
            mask = read_label(second, photograph.field_of_view.shape).astype(np.float32)
            self._add(photograph, mask, {SECOND_OBSERVER: 0.5}, ranks=False)

    def _add(self, photograph: Photograph, probability: np.ndarray, readers: dict[str, float], ranks: bool) -> None:
        label = torch.from_numpy(photograph.label)
        for region in REGIONS:
            inside = torch.from_numpy(photograph.field_of_view) if region == "field_of_view" else None
            histogram = probability_histogram(torch.from_numpy(probability), label, inside)
            for reader, threshold in readers.items():
                tally = self.tallies[region].setdefault(reader, Tally(threshold, ranks))
                tally.add(photograph.case.name, histogram)

    def metrics(self) -> dict[str, Any]:
        """`{region: {reader: {threshold, pooled, over_images}}}`; undefined scores are None."""
        return _without_nan(
            {
                region: {reader: tally.summary() for reader, tally in readers.items()}
                for region, readers in self.tallies.items()
            }
        )

    def rows(self) -> list[dict[str, Any]]:
        """One flat dict per photograph, region and reader."""
        return [
            {"name": name, "region": region, "reader": reader, "threshold": tally.threshold} | values
            for region, readers in self.tallies.items()
            for reader, tally in readers.items()
            for name, values in tally.per_image.items()
        ]


def evaluate(
    predictor: Predictor,
    preprocessor: Preprocessor,
    cases: Sequence[Case],
    threshold: float,
    on_photograph: OnPhotograph | None = None,
) -> Evaluation:
    """Predict and score every case; `on_photograph` sees each one with its probability, for pictures and progress.

    Raises: `InputError` without cases, or for a case whose files are missing or do not fit.
    """
    if not cases:
        raise InputError("there is no photograph to evaluate", expected="at least one photograph with a label")
    evaluation = Evaluation(threshold)
    for case in cases:
        photograph = decode(case, preprocessor)
        probability = predictor.probability(photograph.working, photograph.field_of_view)
        evaluation.add(photograph, probability)
        if on_photograph:
            on_photograph(photograph, probability)
    return evaluation


def choose_threshold(predictor: Predictor, preprocessor: Preprocessor, cases: Sequence[Case]) -> float:
    """The threshold of best pooled Dice in the field of view; for validation cases, never for test cases."""
    pooled = evaluate(predictor, preprocessor, cases, threshold=0.5).tallies["field_of_view"][NETWORK].pooled
    return best_dice_threshold(pooled)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
