"""The folds of a cross-validation as one: every image is scored by the network that did not learn from it."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from fundus_unet.comparison.accuracy.scores import ScoredRun, Scores
from fundus_unet.core.errors import InputError
from fundus_unet.metrics.over_images import over_images

SUMMED = ("wall_seconds", "processor_seconds")


def merge_folds(runs: Sequence[ScoredRun]) -> tuple[list[ScoredRun], dict[str, str]]:
    """Runs that differ in the fold alone become one; runs without folds stay as they are.

    Scores pooled over pixels become means over the folds, since each fold has a network with a range of probabilities
    of its own; scores per image are those of all images.

    Returns:
        Beside the runs, why a variant and seed is not among them, by its name: not all of its folds are here.

    Raises:
        InputError: Where nothing is left, or one fold is given twice.
    """
    found: list[ScoredRun] = []
    incomplete: dict[str, str] = {}
    by_key: dict[tuple[str, int], list[ScoredRun]] = {}
    for run in runs:
        if run.fold is None:
            found.append(run)
        else:
            by_key.setdefault((run.variant, run.seed), []).append(run)
    for (variant, seed), of_folds in by_key.items():
        folds = {run.fold: run for run in of_folds if run.fold is not None}
        if len(folds) < len(of_folds):
            raise InputError(
                f"{variant} with seed {seed} was given twice with one fold", expected="one run per variant, seed, fold"
            )
        absent = [fold for fold in range(of_folds[0].folds) if fold not in folds]
        if absent:
            named = ", ".join(map(str, absent))
            incomplete[f"{variant}_seed{seed}"] = f"its cross-validation lacks fold{'s' * (len(absent) > 1)} {named}"
        else:
            found.append(_merged([folds[fold] for fold in sorted(folds)]))
    if not found:
        raise InputError(
            "no cross-validation is whole, so that there is nothing to compare",
            expected="a finished run of every fold",
            got="; ".join(f"{name}: {reason}" for name, reason in incomplete.items()),
            fix="give the same comparison again to train what is missing",
        )
    return found, incomplete


def _merged(runs: Sequence[ScoredRun]) -> ScoredRun:
    first = runs[0]
    tested = [name for run in runs for name in run.images]
    if len(set(tested)) < len(tested):
        raise InputError(
            f"the folds of {first.variant} with seed {first.seed} do not belong together",
            expected="every image tested in one fold",
            got=f"{len(tested) - len(set(tested))} images tested in several",
            fix="compare runs that were trained on the same data",
        )
    return replace(
        first,
        pooled={rater: _means([run.pooled[rater] for run in runs]) for rater in first.pooled},
        per_image={rater: _joined([run.per_image[rater] for run in runs]) for rater in first.per_image},
        facts=_facts([run.facts for run in runs]),
        second_observer=_observer(runs),
        fold=None,
        fold_of={name: int(run.fold or 0) for run in runs for name in run.images},
    )


def _means(scores: Sequence[Scores]) -> dict[str, float | None]:
    return {key: _mean([one.get(key) for one in scores]) for key in scores[0]}


def _mean(values: Sequence[float | None]) -> float | None:
    defined = [value for value in values if value is not None]
    return statistics.fmean(defined) if defined else None


def _joined(images: Sequence[Mapping[str, Scores]]) -> dict[str, Scores]:
    return dict(sorted((name, scores) for one in images for name, scores in one.items()))


def _facts(facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Those of the first fold; times are sums; all folds' own are kept too."""
    found = dict(facts[0])
    for key in SUMMED:
        values = [one[key] for one in facts]
        found[key] = None if None in values else sum(values)
    found["validation_threshold"] = _mean([one["validation_threshold"] for one in facts])
    found.pop("validation_hysteresis", None)  # there is no mean of several
    return found | {"folds": [dict(one) for one in facts]}


def _observer(runs: Sequence[ScoredRun]) -> dict[str, Any] | None:
    observers = [run.second_observer for run in runs if run.second_observer is not None]
    if len(observers) < len(runs):
        return None
    keys = observers[0]["over_images"]
    images = _joined([run.observer_images for run in runs]).values()
    values = [{key: math.nan if one[key] is None else float(one[key] or 0) for key in keys} for one in images]
    return {
        "threshold": observers[0]["threshold"],
        "pooled": _means([one["pooled"] for one in observers]),
        "over_images": {name: _without_nan(asdict(value)) for name, value in over_images(values).items()},
    }


def _without_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if value != value else value for key, value in values.items()}
