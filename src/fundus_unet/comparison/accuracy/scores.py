"""Scores of trained arms over seeds and photographs, and their differences to a control arm."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fundus_unet.comparison.accuracy.statistics import Difference, paired_differences
from fundus_unet.core.errors import InputError

Scores = Mapping[str, float | None]

METRICS = (
    "dice",
    "cldice",
    "betti0_error",
    "sensitivity",
    "specificity",
    "accuracy",
    "mcc",
    "auroc",
    "average_precision",
)
LOWER_IS_BETTER = ("betti0_error",)


@dataclass(frozen=True)
class ScoredRun:
    """One trained network, scored in the field of view.

    Args: `pooled` is `{reader: {metric: value}}` over all pixels, `per_image` is `{reader: {photograph: {metric:
    value}}}`; undefined values are None. `facts` is kept as it is.
    """

    arm: str
    seed: int
    pooled: Mapping[str, Scores]
    per_image: Mapping[str, Mapping[str, Scores]]
    facts: Mapping[str, Any]


def arm_summaries(runs: Sequence[ScoredRun]) -> dict[str, dict[str, Any]]:
    """Per arm, reader and metric: mean and standard deviation over seeds, of the pooled score and the mean over images.

    `dice_per_photograph` is the mean over seeds, of the first reader.
    The standard deviation is the sample's (n - 1); None with one seed.
    """
    return {arm: _summary([run for run in runs if run.arm == arm]) for arm in dict.fromkeys(run.arm for run in runs)}


def differences(runs: Sequence[ScoredRun], control: str, reader: str) -> dict[str, dict[str, Difference]]:
    """`{metric: {arm: difference to the control}}`, paired over the photographs and the seeds that both have.

    A metric that is undefined on every photograph is left out.
    Raises: `InputError` where the control was not scored, an arm shares no seed with it, or photographs differ.
    """
    by_key = {(run.arm, run.seed): run for run in runs}
    if len(by_key) < len(runs):
        raise InputError("an arm was given twice with one seed", expected="one run per upsampler and seed")
    if not any(run.arm == control for run in runs):
        raise InputError("the control was not scored", expected=control, got=sorted({run.arm for run in runs}))
    photographs = _common_photographs(runs, reader)
    result: dict[str, dict[str, Difference]] = {}
    for metric in METRICS:
        pairs = {}
        for arm in dict.fromkeys(run.arm for run in runs if run.arm != control):
            seeds = sorted(seed for name, seed in by_key if name == arm and (control, seed) in by_key)
            if not seeds:
                raise InputError(
                    f"{arm} has no seed in common with {control}",
                    expected="at least one seed that both were trained with",
                    fix="train the control with the same seeds",
                )
            pairs[arm] = np.array(
                [
                    _values(by_key[arm, seed], reader, metric, photographs)
                    - _values(by_key[control, seed], reader, metric, photographs)
                    for seed in seeds
                ]
            )
        if pairs and all(np.isfinite(values).all(axis=0).any() for values in pairs.values()):
            result[metric] = paired_differences(pairs)
    return result


def as_plain(found: Mapping[str, Mapping[str, Difference]]) -> dict[str, Any]:
    """The differences as plain values for JSON, each with its verdict."""
    return {
        metric: {arm: asdict(difference) | {"verdict": difference.verdict} for arm, difference in arms.items()}
        for metric, arms in found.items()
    }


def _summary(runs: Sequence[ScoredRun]) -> dict[str, Any]:
    readers = list(runs[0].pooled)
    first = readers[0]
    scores = {}
    for reader in readers:
        scores[reader] = {
            metric: {
                "pooled": _over_seeds([run.pooled[reader].get(metric) for run in runs]),
                "image_mean": _over_seeds([_image_mean(run, reader, metric) for run in runs]),
            }
            for metric in METRICS
        }
    return {
        "seeds": [run.seed for run in runs],
        "runs": {str(run.seed): dict(run.facts) for run in runs},
        "scores": scores,
        "dice_per_photograph": {
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


def _image_mean(run: ScoredRun, reader: str, metric: str) -> float | None:
    values = [scores.get(metric) for scores in run.per_image[reader].values()]
    defined = [value for value in values if value is not None]
    return statistics.fmean(defined) if defined else None


def _values(run: ScoredRun, reader: str, metric: str, photographs: Sequence[str]) -> np.ndarray:
    values = (run.per_image[reader][name].get(metric) for name in photographs)
    return np.array([math.nan if value is None else value for value in values])


def _common_photographs(runs: Sequence[ScoredRun], reader: str) -> list[str]:
    photographs = list(runs[0].per_image[reader])
    for run in runs:
        if set(run.per_image[reader]) != set(photographs):
            raise InputError(
                f"{run.arm} with seed {run.seed} was scored on other photographs than {runs[0].arm}",
                expected=sorted(photographs),
                got=sorted(run.per_image[reader]),
            )
    return photographs
