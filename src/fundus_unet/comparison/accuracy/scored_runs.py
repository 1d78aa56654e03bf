"""The scores of finished runs: those that an evaluation left, or else a new evaluation."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from torch import nn

from fundus_unet.comparison.accuracy.scores import ScoredRun, Scores
from fundus_unet.comparison.decoder_stages import outermost_upsamplers
from fundus_unet.comparison.variants import upsampled_width_of, variant_of
from fundus_unet.core.counting import count_flops, parameter_count
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes, read_csv
from fundus_unet.inference.evaluation import NETWORK, NETWORK_HYSTERESIS, NETWORK_VALIDATED, SECOND_OBSERVER
from fundus_unet.metrics.registry import METRICS
from fundus_unet.runs.build import build_network
from fundus_unet.runs.evaluate import evaluate_run
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_settings import fold_of

FLOPS_SIDE = 512
LARGEST_METRICS = 10_000_000  # bytes
RATERS = (NETWORK, NETWORK_VALIDATED)
"""That every evaluation has."""
REGION = "field_of_view"
NO_SCORES = ("name", "region", "rater")
"""Columns of per_image.csv."""


class Failure(NamedTuple):
    """A run that could not be compared."""

    run: str
    reason: str


def score_runs(
    runs: Sequence[RunDirectory], split: str, out_dir: Path, console: Console
) -> tuple[list[ScoredRun], list[Failure]]:
    """The scores of every run on a split, and the runs that cannot be scored.

    Raises:
        InputError: That of the first run, where none can be scored.
    """
    scored: list[ScoredRun] = []
    failures: list[Failure] = []
    errors: list[InputError] = []
    for number, run in enumerate(runs, 1):
        folder = run.path / "evaluation" / split
        try:
            if scores_left(folder) is None:
                console.print(f"[{number}/{len(runs)}] evaluating {run.path.name} on {split}", markup=False)
                evaluate_run(run, split)
            scored.append(_scored(run, folder, out_dir))
        except InputError as error:
            errors.append(error)
            failures.append(Failure(run.path.name, error.problem))
    if errors and not scored:
        raise errors[0]
    return scored, failures


def with_same_raters(runs: Sequence[ScoredRun]) -> tuple[list[ScoredRun], list[str]]:
    """Runs with the raters that all of them have, and those that an earlier version evaluated, without hysteresis."""
    raters = [rater for rater in runs[0].pooled if all(rater in run.pooled for run in runs)]
    lacking = [str(run.facts["run_dir"]) for run in runs if NETWORK_HYSTERESIS not in run.pooled]
    found = [
        replace(
            run,
            pooled={rater: run.pooled[rater] for rater in raters},
            per_image={rater: run.per_image[rater] for rater in raters},
        )
        for run in runs
    ]
    return found, lacking


def with_same_metrics(runs: Sequence[ScoredRun]) -> tuple[list[ScoredRun], dict[str, list[str]]]:
    """Runs with the metrics that all of them have; and by each other metric the runs that lack it.

    Those an earlier version evaluated, before there was the metric: its mean over seeds would be of other seeds.
    """
    had = [METRICS.keys() & next(iter(next(iter(run.per_image.values())).values())) for run in runs]
    lacked = [key for key in METRICS if any(key in one for one in had) and not all(key in one for one in had)]
    found = [
        replace(
            run,
            pooled={rater: _without(scores, lacked) for rater, scores in run.pooled.items()},
            per_image={
                rater: {name: _without(scores, lacked) for name, scores in images.items()}
                for rater, images in run.per_image.items()
            },
        )
        for run in runs
    ]
    lacking = {
        key: [str(run.facts["run_dir"]) for run, one in zip(runs, had, strict=True) if key not in one] for key in lacked
    }
    return found, lacking


def _without(scores: Scores, keys: Sequence[str]) -> dict[str, float | None]:
    return {key: value for key, value in scores.items() if key not in keys}


def scores_left(folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]] | None:
    """What metrics.json and per_image.csv of an evaluation hold.

    None unless every score of today's protocol is there, as evaluation writes it.
    """
    try:
        metrics = json.loads(read_bytes(folder / "metrics.json", LARGEST_METRICS), parse_constant=_refuse)
        rows = read_csv(folder / "per_image.csv")
        pooled = [metrics[REGION][rater]["pooled"] for rater in _raters(metrics)]
        whole = all("cldice" in scores and all(map(_is_score, scores.values())) for scores in pooled)
        named = all(isinstance(name, str) for name in metrics["images"])
        fits = whole and named and _is_score(metrics["validation_threshold"])
        return (metrics, rows) if fits and all({"name", "region", "rater"} <= row.keys() for row in rows) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _raters(metrics: dict[str, Any]) -> list[str]:
    """Those of the network: evaluations of before have no hysteresis."""
    return [*RATERS, *([NETWORK_HYSTERESIS] if NETWORK_HYSTERESIS in metrics[REGION] else [])]


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no score")


def _is_score(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _scored(run: RunDirectory, folder: Path, out_dir: Path) -> ScoredRun:
    left = scores_left(folder)
    if left is None:
        raise InputError(f"the scores in {folder} are damaged", fix=f"delete {folder}, and they are computed again")
    metrics, rows = left
    raters = _raters(metrics)
    per_image: dict[str, dict[str, dict[str, float | None]]] = {rater: {} for rater in (*raters, SECOND_OBSERVER)}
    for row in rows:
        if row["region"] == REGION and row["rater"] in per_image:
            values = {key: _number(value) for key, value in row.items() if key not in NO_SCORES}
            per_image[row["rater"]][row["name"]] = values
    return ScoredRun(
        variant_of(run),
        int(run.config.seed),
        {rater: metrics[REGION][rater]["pooled"] for rater in raters},
        {rater: per_image[rater] for rater in raters},
        _facts(run, out_dir)
        | {"validation_threshold": metrics["validation_threshold"]}
        | {"validation_hysteresis": metrics.get("validation_hysteresis")},
        metrics[REGION].get(SECOND_OBSERVER),
        per_image[SECOND_OBSERVER],
        fold_of(plain(run.config)),
        run.config.data.get("folds") or 1,
    )


def _facts(run: RunDirectory, out_dir: Path) -> dict[str, Any]:
    network = build_network(run.config.model, trusted=False).eval()
    image = torch.zeros(1, network.in_channels, FLOPS_SIDE, FLOPS_SIDE)
    with torch.no_grad():
        flops = count_flops(lambda: network(image))
    sessions = run.sessions
    return {
        "run_dir": os.path.relpath(run.path, out_dir.resolve()),
        "upsampled_width": upsampled_width_of(run),
        "parameters": parameter_count(network),
        "upsampler_parameters": parameter_count(nn.ModuleList(outermost_upsamplers(network).values())),
        f"flops_{FLOPS_SIDE}": flops,
        "wall_seconds": sum(session["wall_seconds"] for session in sessions) if sessions else None,
        "processor_seconds": sum(session["processor_seconds"] for session in sessions) if sessions else None,
        "commit": run.environment.get("commit"),
        "overrides": [item for item in run.overrides if not item.startswith("paths.")],
    }


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return None if value != value else value
