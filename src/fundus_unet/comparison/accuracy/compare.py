"""Compare finished runs by accuracy: accuracy.json, accuracy.md and accuracy_per_image.csv."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from fundus_unet.comparison.accuracy.folds import merge_folds
from fundus_unet.comparison.accuracy.scored_runs import (
    REGION,
    Failure,
    score_runs,
    with_same_metrics,
    with_same_raters,
)
from fundus_unet.comparison.accuracy.scores import ScoredRun, as_plain, differences, variant_summaries
from fundus_unet.comparison.accuracy.tables import (
    accuracy_document,
    accuracy_table,
    difference_table,
    fold_count,
    how_to_read,
)
from fundus_unet.comparison.result import new_result, say_written, write_result
from fundus_unet.comparison.terminal import print_table
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import remove_partial_files
from fundus_unet.inference.evaluation import NETWORK
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_settings import check_same, differing, protocol_of

PRINTED_COLUMNS = ("variant", "metric", "difference", "95 % interval", "verdict")
PRINTED = ("dice", "cldice", "average_precision")  # the files have the rest


def compare_accuracy(
    runs: Sequence[RunDirectory],
    failures: Sequence[Failure],
    split: str,
    out_dir: Path,
    console: Console,
    *,
    control: str | None,
    preferred: Sequence[str],
    allow_different: bool,
) -> dict[str, Any]:
    """Score finished runs and tell their differences from noise; returns what accuracy.json holds.

    Args:
        failures: Of runs that could not be compared already; those that cannot be scored come to them.
        control: The variant that the others are compared with. None is the first of `preferred` that was scored.
        allow_different: Whether runs may differ in more than the upsampler.

    Raises:
        InputError: Where no run is left to compare, or they do not compare upsamplers.
    """
    if not runs:
        raise InputError(
            "there is no finished run to compare:\n  " + "\n  ".join(f"{f.run}: {f.reason}" for f in failures)
        )
    protocols = {run.path.name: protocol_of(plain(run.config)) for run in runs}
    if not allow_different:
        check_same(protocols)
    remove_partial_files(out_dir)
    scored, unscored = score_runs(runs, split, out_dir, console)
    scored, without_hysteresis = with_same_raters(scored)
    scored, without_metrics = with_same_metrics(scored)
    scored, incomplete = merge_folds(scored)
    failures = [*failures, *unscored, *(Failure(name, reason) for name, reason in incomplete.items())]
    first = scored[0]
    control = _control(scored, control, preferred)
    scored.sort(key=lambda run: run.variant != control)
    result = {
        **new_result("accuracy"),
        "protocol": {
            "data": runs[0].choices.get("data"),
            "split": split,
            "region": REGION,
            "images": first.images,
            "fold_of": first.fold_of,
            "settings": next(iter(protocols.values())),
            "differing_settings": differing(protocols),
            "without_hysteresis": without_hysteresis,
            "without_metrics": without_metrics,
            "parameters_matched": any(run.facts["upsampled_width"] != 1 for run in scored),
            "commits": sorted({str(run.facts["commit"]) for run in scored}),
        },
        "control": control,
        "variants": variant_summaries(scored),
        "second_observer": first.second_observer,
        "differences": {rater: as_plain(differences(scored, control, rater)) for rater in first.pooled},
        "failures": [failure._asdict() for failure in failures],
    }
    paths = write_result(out_dir, result, accuracy_document(result), _rows(scored), "accuracy_per_image.csv")
    _show(console, result)
    say_written(console, paths)
    return result


def _control(runs: Sequence[ScoredRun], control: str | None, preferred: Sequence[str]) -> str:
    variants = list(dict.fromkeys(run.variant for run in runs))
    if control is not None and control not in variants:
        raise InputError("the control has no finished run", expected=variants, got=control)
    return control or next((name for name in preferred if name in variants), variants[0])


def _show(console: Console, result: dict[str, Any]) -> None:
    title = f"{NETWORK}, mean ± spread over seeds"
    if folds := fold_count(result["protocol"]):
        title = f"{title}; pooled scores are means over {folds} folds"
    print_table(console, title, accuracy_table(result, NETWORK, PRINTED))
    found = result["differences"][NETWORK]
    if any(found.values()):
        title = f"difference to {result['control']}"
        print_table(console, title, difference_table(result, NETWORK, PRINTED), PRINTED_COLUMNS)
        console.print(how_to_read(found), highlight=False)
    for failure in result["failures"]:
        text = f"not compared: {failure['run']}: {failure['reason']}"
        console.print(text, style="yellow", markup=False, highlight=False)


def _rows(runs: Sequence[ScoredRun]) -> list[dict[str, Any]]:
    return [
        {"variant": run.variant, "seed": run.seed, "rater": rater, "name": name} | dict(scores)
        for run in runs
        for rater, images in run.per_image.items()
        for name, scores in images.items()
    ]
