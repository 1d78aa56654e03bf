"""The evaluation protocol: every image at its original resolution, against its original label."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.images.field_of_view import field_of_view_diameter
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.reading import read_label
from fundus_unet.data.images.store import LabelledImage, decode
from fundus_unet.inference.predictor import Predictor
from fundus_unet.metrics.calibration import bin_at
from fundus_unet.metrics.histogram import BINS, probability_histogram
from fundus_unet.metrics.mask_choice import ChosenMasks, HysteresisChoice
from fundus_unet.metrics.over_images import over_images
from fundus_unet.metrics.registry import METRICS, Counts, scores_of
from fundus_unet.metrics.segmentation import best_dice_threshold, vessel_mask
from fundus_unet.metrics.topology import ThinnedMask, betti0_error, centreline_overlap, thinned

REGIONS = ("field_of_view", "whole_image")
NETWORK = "network at 0.5"
NETWORK_VALIDATED = "network at validation threshold"
NETWORK_HYSTERESIS = "network with hysteresis"
SECOND_OBSERVER = "second observer"

MASKS_ALONE = (NETWORK_HYSTERESIS, SECOND_OBSERVER)
"""Raters that say vessel or not, and no probability: there is nothing that ranks pixels."""

OnImage = Callable[[LabelledImage, np.ndarray], None]
CountsByRegion = dict[str, dict[str, Counts]]
"""`{region: {rater: counts}}` of one image."""


class Tally:
    """Scores of one rater (a network at a threshold, or an observer) in one region, pooled and per image."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.pooled: Counts | None = None
        self.per_image: dict[str, dict[str, float]] = {}

    def add(self, name: str, counts: Counts) -> None:
        self.pooled = counts if self.pooled is None else self.pooled + counts
        self.per_image[name] = scores_of(counts)

    def summary(self) -> dict[str, Any]:
        assert self.pooled is not None
        pooled = scores_of(self.pooled)
        near = bin_at(self.pooled.histogram, self.threshold) if self.pooled.ranked else None
        return {
            "threshold": self.threshold,
            **({"near_threshold": asdict(near) | {"error": near.error}} if near else {}),
            "pooled": {key: value for key, value in pooled.items() if METRICS[key].pooled},
            "over_images": {name: asdict(value) for name, value in over_images(list(self.per_image.values())).items()},
        }


class Evaluation:
    """All raters in all regions over the images of one split.

    Args:
        masks: The ones that were best on validation.
    """

    def __init__(self, masks: ChosenMasks) -> None:
        self.masks = masks
        self.tallies: dict[str, dict[str, Tally]] = {region: {} for region in REGIONS}

    def add(self, sample: LabelledImage, probability: np.ndarray) -> None:
        """Count one image; its second observer's label is read here, where there is one."""
        self.add_counts(sample.case.name, counts_of(sample, probability, self.masks))

    def add_counts(self, name: str, counts: CountsByRegion) -> None:
        """Add what `counts_of` found in an image."""
        for region, raters in counts.items():
            for rater, found in raters.items():
                self.tallies[region].setdefault(rater, Tally(found.threshold)).add(name, found)

    def metrics(self) -> dict[str, Any]:
        """`{region: {rater: {threshold, near_threshold, pooled, over_images}}}`; undefined scores are None.

        `near_threshold` is the calibration of pixels with about that probability; a rater of masks has none.
        """
        return _without_nan(
            {
                region: {rater: tally.summary() for rater, tally in raters.items()}
                for region, raters in self.tallies.items()
            }
        )

    def pooled_histogram(self, region: str, rater: str) -> Tensor:
        """Of the probability of all images, (2, BINS)."""
        pooled = self.tallies[region][rater].pooled
        assert pooled is not None
        return pooled.histogram

    def rows(self) -> list[dict[str, Any]]:
        """One flat dict per image, region and rater."""
        return [
            {"name": name, "region": region, "rater": rater, "threshold": tally.threshold} | values
            for region, raters in self.tallies.items()
            for rater, tally in raters.items()
            for name, values in tally.per_image.items()
        ]


def counts_of(sample: LabelledImage, probability: np.ndarray, masks: ChosenMasks) -> CountsByRegion:
    """What every rater's prediction has in common with the label.

    Args:
        probability: The network's, (H, W).
        masks: The ones that were best on validation.
    """
    label = _thinned_by_region(sample.label, sample.field_of_view)
    found = _counts(sample, label, probability, {NETWORK: 0.5, NETWORK_VALIDATED: masks.threshold})
    others: dict[str, np.ndarray] = {}
    if masks.hysteresis is not None:
        diameter = field_of_view_diameter(sample.field_of_view)
        others[NETWORK_HYSTERESIS] = masks.hysteresis.mask(probability, sample.field_of_view, diameter)
    if sample.case.second_label is not None:
        others[SECOND_OBSERVER] = read_label(sample.case.second_label, sample.field_of_view.shape)
    for rater, mask in others.items():
        seen = _counts(sample, label, mask.astype(np.float32), {rater: 0.5})
        found = {region: raters | seen[region] for region, raters in found.items()}
    return found


def _counts(
    sample: LabelledImage,
    label: dict[str, ThinnedMask],
    probability: np.ndarray,
    raters: dict[str, float],
) -> CountsByRegion:
    predicted, truth = torch.from_numpy(probability), torch.from_numpy(sample.label)
    histograms = {
        "field_of_view": probability_histogram(predicted, truth, torch.from_numpy(sample.field_of_view)),
        "whole_image": probability_histogram(predicted, truth),
    }
    found: CountsByRegion = {region: {} for region in REGIONS}
    for rater, threshold in raters.items():
        masks = _thinned_by_region(vessel_mask(predicted, threshold).numpy(), sample.field_of_view)
        for region in REGIONS:
            found[region][rater] = Counts(
                histograms[region],
                threshold,
                centreline_overlap(masks[region], label[region]),
                betti0_error(masks[region], label[region]),
                rater not in MASKS_ALONE,
            )
    return found


def evaluate(
    predictor: Predictor,
    preprocessor: Preprocessor,
    cases: Sequence[Case],
    masks: ChosenMasks,
    on_image: OnImage | None = None,
) -> Evaluation:
    """Predict and score every case; `on_image` sees each one with its probability, for figures and progress.

    Raises:
        InputError: Without cases, or for a case whose files are missing or do not fit.
    """
    evaluation = Evaluation(masks)
    for sample, probability in _predicted(predictor, preprocessor, cases):
        evaluation.add(sample, probability)
        if on_image:
            on_image(sample, probability)
    return evaluation


def choose_masks(
    predictor: Predictor,
    preprocessor: Preprocessor,
    cases: Sequence[Case],
    track: Callable[[Sequence[Case]], Iterable[Case]] = iter,
) -> ChosenMasks:
    """The masks that are best in the field of view, over all cases; for validation cases, never for test cases.

    The threshold has the best pooled Dice (`best_dice_threshold`); the hysteresis is `HysteresisChoice`'s.

    Args:
        track: Gives the cases back one after another, for progress: of 8 megapixels each takes some seconds.

    Raises:
        InputError: As `evaluate`, or where no case has a vessel in its field of view.
    """
    pooled, hysteresis = torch.zeros(2, BINS, dtype=torch.int64), HysteresisChoice()
    for sample, probability in _predicted(predictor, preprocessor, cases, track):
        arrays = (probability, sample.label, sample.field_of_view)
        pooled += probability_histogram(*(torch.from_numpy(array) for array in arrays))
        hysteresis.add(*arrays, field_of_view_diameter(sample.field_of_view))
    return ChosenMasks(best_dice_threshold(pooled), hysteresis.best())


def _predicted(
    predictor: Predictor,
    preprocessor: Preprocessor,
    cases: Sequence[Case],
    track: Callable[[Sequence[Case]], Iterable[Case]] = iter,
) -> Iterator[tuple[LabelledImage, np.ndarray]]:
    if not cases:
        raise InputError("there is no image to evaluate", expected="at least one image with a label")
    for case in track(cases):
        sample = decode(case, preprocessor)
        yield sample, predictor.probability(sample.working, sample.field_of_view)


def _thinned_by_region(mask: np.ndarray, field_of_view: np.ndarray) -> dict[str, ThinnedMask]:
    """The mask in each of `REGIONS`; thinned once where it has no vessel outside the field of view."""
    inside = thinned(mask, field_of_view)
    return {"field_of_view": inside, "whole_image": thinned(mask) if mask[~field_of_view].any() else inside}


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
