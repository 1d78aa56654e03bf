"""Scores of trained variants over seeds and images, and their differences to a control variant."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fundus_unet.comparison.accuracy.statistics import Difference, paired_differences
from fundus_unet.core.errors import InputError
from fundus_unet.metrics.registry import METRICS

Scores = Mapping[str, float | None]


@dataclass(frozen=True)
class ScoredRun:
    """One trained network, scored in the field of view.

    Args:
        pooled: `{rater: {metric: value}}` over all pixels, `per_image` is `{rater: {image: {metric: value}}}`;
            undefined values are None.
        facts: Kept as it is.
        second_observer: The scores of the second human observer; None where the data set has none.
        observer_images: Those per image.
        fold: Of a cross-validation into `folds`; None: it is none, or all folds have become one.
        fold_of: The fold that tested each image, once all folds have become one.
    """

    variant: str
    seed: int
    pooled: Mapping[str, Scores]
    per_image: Mapping[str, Mapping[str, Scores]]
    facts: Mapping[str, Any]
    second_observer: Mapping[str, Any] | None = None
    observer_images: Mapping[str, Scores] = field(default_factory=dict)
    fold: int | None = None
    folds: int = 1
    fold_of: Mapping[str, int] | None = None

    @property
    def images(self) -> list[str]:
        """The names of the images that it was scored on."""
        return list(next(iter(self.per_image.values())))


def variant_summaries(runs: Sequence[ScoredRun]) -> dict[str, dict[str, Any]]:
    """Per variant, rater and metric: mean and standard deviation over seeds.

    Of the score pooled over all pixels, and of the mean over images. `dice_per_image` is the mean over seeds, of the
    first rater. The standard deviation is the sample's (n - 1); None with one seed.
    """
    return {
        variant: _summary([run for run in runs if run.variant == variant])
        for variant in dict.fromkeys(run.variant for run in runs)
    }


def differences(runs: Sequence[ScoredRun], control: str, rater: str) -> dict[str, dict[str, Difference]]:
    """`{metric: {variant: difference to the control}}`, paired over the images and the seeds that both have.

    A metric that is undefined on every image is left out.

    Raises:
        InputError: Where the control was not scored, a variant shares no seed with it, or images differ.
    """
    by_key = {(run.variant, run.seed): run for run in runs}
    if len(by_key) < len(runs):
        raise InputError("a variant was given twice with one seed", expected="one run per upsampler and seed")
    if not any(run.variant == control for run in runs):
        raise InputError("the control was not scored", expected=control, got=sorted({run.variant for run in runs}))
    images = _common_images(runs, rater)
    folds = _common_folds(runs, images)
    result: dict[str, dict[str, Difference]] = {}
    for metric in METRICS:
        pairs = {}
        for variant in dict.fromkeys(run.variant for run in runs if run.variant != control):
            seeds = sorted(seed for name, seed in by_key if name == variant and (control, seed) in by_key)
            if not seeds:
                raise InputError(
                    f"{variant} has no seed in common with {control}",
                    expected="at least one seed that both were trained with",
                    fix="train the control with the same seeds",
                )
            pairs[variant] = np.array(
                [
                    _values(by_key[variant, seed], rater, metric, images)
                    - _values(by_key[control, seed], rater, metric, images)
                    for seed in seeds
                ]
            )
        if pairs and all(np.isfinite(values).all(axis=0).any() for values in pairs.values()):
            result[metric] = paired_differences(pairs, folds)
    return result


def as_plain(found: Mapping[str, Mapping[str, Difference]]) -> dict[str, Any]:
    """The differences as plain values for JSON, each with its verdict."""
    return {
        metric: {
            variant: asdict(difference) | {"verdict": difference.verdict} for variant, difference in variants.items()
        }
        for metric, variants in found.items()
    }


def _summary(runs: Sequence[ScoredRun]) -> dict[str, Any]:
    raters = list(runs[0].pooled)
    first = raters[0]
    scores = {}
    for rater in raters:
        scores[rater] = {
            metric: {
                "pooled": _over_seeds([run.pooled[rater].get(metric) for run in runs]),
                "image_mean": _over_seeds([_image_mean(run, rater, metric) for run in runs]),
            }
            for metric in METRICS
        }
    return {
        "seeds": [run.seed for run in runs],
        "runs": {str(run.seed): dict(run.facts) for run in runs},
        "scores": scores,
        "dice_per_image": {
            name: _over_seeds([run.per_image[first][name].get("dice") for run in runs])["mean"]
            for name in runs[0].per_image[first]
        },
    }


def _over_seeds(values: Sequence[float | None]) -> dict[str, Any]:
    defined = [value for value in values if value is not None]
    return {
        "mean": statistics.fmean(defined) if defined else None,
        "standard_deviation": statistics.stdev(defined) if len(defined) > 1 else None,
        "per_seed": list(values),
    }


def _image_mean(run: ScoredRun, rater: str, metric: str) -> float | None:
    values = [scores.get(metric) for scores in run.per_image[rater].values()]
    defined = [value for value in values if value is not None]
    return statistics.fmean(defined) if defined else None


def _values(run: ScoredRun, rater: str, metric: str, images: Sequence[str]) -> np.ndarray:
    values = (run.per_image[rater][name].get(metric) for name in images)
    return np.array([math.nan if value is None else value for value in values])


def _common_folds(runs: Sequence[ScoredRun], images: Sequence[str]) -> list[int] | None:
    """The fold that tests each image; None without cross-validation."""
    first = runs[0]
    for run in runs:
        if run.fold_of != first.fold_of:
            raise InputError(
                f"{run.variant} with seed {run.seed} was cross-validated in other folds than {first.variant}",
                expected="the same images in every fold, or no folds at all",
            )
    return None if first.fold_of is None else [first.fold_of[name] for name in images]


def _common_images(runs: Sequence[ScoredRun], rater: str) -> list[str]:
    images = list(runs[0].per_image[rater])
    for run in runs:
        if set(run.per_image[rater]) != set(images):
            raise InputError(
                f"{run.variant} with seed {run.seed} was scored on other images than {runs[0].variant}",
                expected=sorted(images),
                got=sorted(run.per_image[rater]),
            )
    return images
