"""From finished runs to accuracy.json, accuracy.md and per_image.csv."""

import datetime
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode

from fundus_unet.commands.tables import grid_table
from fundus_unet.commands.variants import variant_of
from fundus_unet.comparison.accuracy.scores import ScoredRun, as_plain, differences, variant_summaries
from fundus_unet.comparison.accuracy.tables import accuracy_document, difference_table, reading, score_table
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes, read_csv, write_csv, write_json, write_text
from fundus_unet.inference.evaluation import NETWORK, NETWORK_VALIDATED, SECOND_OBSERVER
from fundus_unet.models.unet import UNet
from fundus_unet.runs.build import build
from fundus_unet.runs.environment import command, environment
from fundus_unet.runs.evaluate import evaluate_run
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.run_settings import differing

FLOPS_SIDE = 512
LARGEST_METRICS = 10_000_000  # bytes
RATERS = (NETWORK, NETWORK_VALIDATED)
REGION = "field_of_view"
PRINTED_COLUMNS = ("metric", "variant", "difference", "95 % interval", "verdict")
PRINTED = ("dice", "cldice", "average_precision")  # the files have the rest


@dataclass(frozen=True)
class Failure:
    """A run that could not be compared."""

    run: str
    reason: str


def score_runs(
    runs: Sequence[RunDirectory], split: str, data_dir: str | None, out_dir: Path, console: Console
) -> tuple[list[tuple[RunDirectory, ScoredRun]], list[Failure]]:
    """The scores of every run on a split: those it has, or else a new evaluation; and the runs that cannot be scored.

    Raises:
        InputError: That of the first run, where none can be scored.
    """
    scored: list[tuple[RunDirectory, ScoredRun]] = []
    failures: list[Failure] = []
    errors: list[InputError] = []
    for number, run in enumerate(runs, 1):
        if data_dir is not None:
            run.set_data_dir(data_dir)
        folder = run.path / "evaluation" / split
        try:
            if _kept(folder) is None:
                console.print(f"[{number}/{len(runs)}] evaluating {run.path.name} on {split}", markup=False)
                evaluate_run(run, run.config.data.source, split, split)
            scored.append((run, _scored(run, folder, out_dir)))
        except InputError as error:
            errors.append(error)
            failures.append(Failure(run.path.name, error.problem))
    if errors and not scored:
        raise errors[0]
    return scored, failures


def write_result(
    out_dir: Path,
    scored: Sequence[tuple[RunDirectory, ScoredRun]],
    protocols: Mapping[str, Mapping[str, Any]],
    failures: Sequence[Failure],
    config: DictConfig,
    console: Console,
) -> dict[str, Any]:
    """Write and print the comparison; returns what accuracy.json holds."""
    runs = [run for _, run in scored]
    control = _control(runs, config)
    runs.sort(key=lambda run: run.variant != control)
    metrics, _ = _scores(scored[0][0].path / "evaluation" / config.final_split)
    result = {
        "kind": "accuracy",
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
        "command": command(),
        "environment": environment(),
        "protocol": {
            "data": scored[0][0].choices.get("data"),
            "split": config.final_split,
            "region": REGION,
            "images": metrics["images"],
            "settings": dict(next(iter(protocols.values()))),
            "differing_settings": differing(protocols),
            "parameters_matched": any(run.facts["upsampled_width"] != 1 for run in runs),
            "commits": sorted({str(run.facts["commit"]) for run in runs}),
        },
        "control": control,
        "variants": variant_summaries(runs),
        "second_observer": metrics[REGION].get(SECOND_OBSERVER),
        "differences": {rater: as_plain(differences(runs, control, rater)) for rater in RATERS},
        "failures": [asdict(failure) for failure in failures],
    }
    write_json(out_dir / "accuracy.json", result)
    write_csv(out_dir / "accuracy_per_image.csv", _rows(runs))
    write_text(out_dir / "accuracy.md", accuracy_document(result).to_markdown(out_dir))
    console.print(grid_table(f"{NETWORK}, mean ± spread over seeds", score_table(result, NETWORK, PRINTED)))
    found = result["differences"][NETWORK]
    if any(found.values()):
        console.print(grid_table(f"difference to {control}", difference_table(found, PRINTED), PRINTED_COLUMNS))
        console.print(*reading(found), highlight=False)
    for failure in failures:
        console.print(f"not compared: {failure.run}: {failure.reason}", style="yellow", markup=False, highlight=False)
    for name in ("accuracy.json", "accuracy.md", "accuracy_per_image.csv"):
        console.print(f"wrote {out_dir / name}", soft_wrap=True, highlight=False, markup=False)
    return result


def _control(runs: Sequence[ScoredRun], config: DictConfig) -> str:
    variants = list(dict.fromkeys(run.variant for run in runs))
    if config.control is not None and config.control not in variants:
        raise InputError("the control has no finished run", expected=variants, got=config.control)
    return config.control or next((name for name in config.upsamplers if name in variants), variants[0])


def _kept(folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]] | None:
    """What metrics.json and per_image.csv of an evaluation hold; None unless every score of today's protocol is there,
    as evaluation writes it."""
    try:
        metrics = json.loads(read_bytes(folder / "metrics.json", LARGEST_METRICS), parse_constant=_refuse)
        rows = read_csv(folder / "per_image.csv")
        pooled = [metrics[REGION][rater]["pooled"] for rater in RATERS]
        whole = all("cldice" in scores and all(map(_is_score, scores.values())) for scores in pooled)
        named = all(isinstance(name, str) for name in metrics["images"])
        fits = whole and named and _is_score(metrics["validation_threshold"])
        return (metrics, rows) if fits and all({"name", "region", "rater"} <= row.keys() for row in rows) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _scores(folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    kept = _kept(folder)
    if kept is None:
        raise InputError(f"the scores in {folder} are damaged", fix=f"delete {folder}, and they are computed again")
    return kept


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no score")


def _is_score(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _scored(run: RunDirectory, folder: Path, out_dir: Path) -> ScoredRun:
    metrics, rows = _scores(folder)
    per_image: dict[str, dict[str, dict[str, float | None]]] = {rater: {} for rater in RATERS}
    for row in rows:
        if row["region"] == REGION and row["rater"] in per_image:
            values = {key: _number(value) for key, value in row.items() if key not in ("name", "region", "rater")}
            per_image[row["rater"]][row["name"]] = values
    return ScoredRun(
        variant_of(run),
        int(run.config.seed),
        {rater: metrics[REGION][rater]["pooled"] for rater in RATERS},
        per_image,
        _facts(run, out_dir) | {"validation_threshold": metrics["validation_threshold"]},
    )


def _facts(run: RunDirectory, out_dir: Path) -> dict[str, Any]:
    network = build(run.config.model, trusted=False).eval()
    if not isinstance(network, UNet):
        raise InputError(f"{run.path} is of another task", expected="a U-Net", got=type(network).__name__)
    image = torch.zeros(1, network.in_channels, FLOPS_SIDE, FLOPS_SIDE)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    sessions = run.sessions
    return {
        "run_dir": os.path.relpath(run.path, out_dir.resolve()),
        "upsampled_width": float(run.config.model.get("upsampled_width", 1)),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "upsampler_parameters": sum(parameter.numel() for parameter in network.upsamplers.parameters()),
        f"flops_{FLOPS_SIDE}": counter.get_total_flops(),
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


def _rows(runs: Sequence[ScoredRun]) -> list[dict[str, Any]]:
    return [
        {"variant": run.variant, "seed": run.seed, "rater": rater, "name": name} | dict(scores)
        for run in runs
        for rater, samples in run.per_image.items()
        for name, scores in samples.items()
    ]
