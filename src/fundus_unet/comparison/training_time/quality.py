"""Time to quality: time_to_quality.json, time_to_quality.md and time_to_quality.csv."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from fundus_unet.comparison.accuracy.scored_runs import REGION, Failure, scores_left
from fundus_unet.comparison.result import new_result, say_written, write_result
from fundus_unet.comparison.terminal import print_table
from fundus_unet.comparison.training_time.curves import SCORE, final_score, score_after, seconds_to
from fundus_unet.comparison.training_time.quality_tables import (
    after_table,
    counted,
    quality_document,
    remarks,
    to_table,
)
from fundus_unet.comparison.variants import variant_of
from fundus_unet.core.errors import InputError
from fundus_unet.inference.evaluation import NETWORK
from fundus_unet.runs.evaluate import evaluate_run
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_settings import differing, protocol_of
from fundus_unet.training.validation_file import rows_of

KIND = "time_to_quality"


def time_to_quality(
    runs: Sequence[RunDirectory],
    failures: Sequence[Failure],
    out_dir: Path,
    console: Console,
    *,
    targets: Sequence[float],
    minutes: Sequence[float],
    with_test: bool,
    start_seconds: float,
) -> dict[str, Any]:
    """Say what finished runs reached when; returns what time_to_quality.json holds.

    Args:
        failures: Of runs that are not among them; those that kept no times come to them.
        targets: Validation Dice.
        minutes: Of training.
        with_test: Whether Dice on test is told too.
        start_seconds: What a program takes until it begins to prepare a training.

    Raises:
        InputError: Where no run is left.
    """
    names = _names(runs)
    rows: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    failures = list(failures)
    for run, name in zip(runs, names, strict=True):
        try:
            validations = run.validations
            if not validations:
                raise InputError(f"{run.path} keeps no times of its validations: an older version trained it")
            found.append(_of_run(run, name, out_dir, targets, minutes, with_test))
        except InputError as error:
            failures.append(Failure(run.path.name, error.problem))
            continue
        rows += [{"name": name, "seed": int(run.config.seed)} | row for row in rows_of(validations)]
    if not found:
        raise InputError(
            "there is no finished run to tell times of:\n  " + "\n  ".join(f"{f.run}: {f.reason}" for f in failures)
        )
    result = {
        **new_result(KIND),
        "data": runs[0].choices.get("data"),
        "score": SCORE,
        "targets": list(targets),
        "minutes": list(minutes),
        "start_seconds": round(start_seconds, 1),
        "with_test": with_test,
        "settings": protocol_of(plain(runs[0].config)),
        "differing_settings": differing({run.path.name: protocol_of(plain(run.config)) for run in runs}),
        "runs": found,
        "failures": [failure._asdict() for failure in failures],
    }
    paths = write_result(out_dir, result, quality_document(result), rows, f"{KIND}.csv")
    print_table(console, "minutes of training to a validation Dice", to_table(result))
    print_table(console, "validation Dice after minutes of training, and at its end", after_table(result))
    console.print(f"\n{counted(result)}", highlight=False, markup=False)
    for remark in remarks(result):
        console.print(remark, style="yellow", highlight=False, markup=False)
    say_written(console, paths)
    return result


def _of_run(
    run: RunDirectory,
    name: str,
    out_dir: Path,
    targets: Sequence[float],
    minutes: Sequence[float],
    with_test: bool,
) -> dict[str, Any]:
    validations, sessions = run.validations, run.sessions
    preparations = [one["preparation_seconds"] for one in sessions if _is_count(one.get("preparation_seconds"))]
    reached = {target: seconds_to(validations, target) for target in targets}
    inside = run.path.is_relative_to(out_dir)
    return {
        "run": str(run.path.relative_to(out_dir)) if inside else run.path.name,
        "name": name,
        "variant": variant_of(run),
        "seed": int(run.config.seed),
        "steps": validations[-1].step,
        "validations": len(validations),
        "minutes_to": [
            {"target": target, "minutes": None if seconds is None else seconds / 60}
            for target, seconds in reached.items()
        ],
        "dice_after": [{"minutes": one, "dice": score_after(validations, 60 * one)} for one in minutes],
        "training_minutes": validations[-1].seconds / 60,
        "preparation_seconds": preparations[0] if preparations else None,
        "final_dice": final_score(validations),
        "test_dice": _test_dice(run) if with_test else None,
        "sessions": len(sessions),
        "processor": run.environment.get("processor"),
        "accelerator": run.environment.get("accelerator"),
        "torch_threads": run.environment.get("torch_threads"),
        "commit": run.environment.get("commit"),
        "precision": run.config.trainer.precision,
    }


def _test_dice(run: RunDirectory) -> float | None:
    """Of `best.ckpt` at threshold 0.5, evaluated now where it was not before."""
    folder = run.path / "evaluation" / "test"
    if scores_left(folder) is None:
        evaluate_run(run, "test")
    left = scores_left(folder)
    if left is None:
        raise InputError(f"the scores in {folder} are damaged", fix=f"delete {folder}, and they are computed again")
    dice: float | None = left[0][REGION][NETWORK]["pooled"]["dice"]
    return dice


def _names(runs: Sequence[RunDirectory]) -> list[str]:
    """What a table calls runs: the variant, or the folder where there are several of one variant and seed."""
    keys = Counter((variant_of(run), int(run.config.seed)) for run in runs)
    return [variant_of(run) if max(keys.values()) == 1 else run.path.name for run in runs]


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
