"""What time_to_quality.json says, as tables and sentences."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fundus_unet.comparison.document import Document, Grid
from fundus_unet.core.duration import duration

NEVER = "not reached"
Run = Mapping[str, Any]


def quality_document(result: Mapping[str, Any]) -> Document:
    """Everything a reader needs of it."""
    facts = result["environment"]
    parts: list[str | Grid] = [
        f"# Training time to a validation Dice, {result['data']}",
        f"{result['created']}, {facts['processor']}, {facts['torch_threads']} threads; accelerator "
        f"{facts['accelerator'] or 'none'}; torch {facts['packages']['torch']}; commit {facts['commit'] or 'unknown'}",
        counted(result),
        "## Minutes to a validation Dice",
        to_table(result),
        "## Validation Dice after minutes of training",
        after_table(result),
        *remarks(result),
    ]
    if result["differing_settings"]:
        named = ", ".join(f"`{key}`" for key in result["differing_settings"])
        parts.append(f"These runs differ in: {named}.")
    return parts


def to_table(result: Mapping[str, Any]) -> Grid:
    """A row per name: minutes to each target and of the whole training."""
    targets = result["targets"]
    header = ["upsampler", *(f"{target:g}" for target in targets), "whole"]
    rows = []
    for name, runs in _by_name(result):
        cells = [_to([run["minutes_to"][number]["minutes"] for run in runs]) for number in range(len(targets))]
        rows.append([name, *cells, _over([run["training_minutes"] for run in runs], ".1f")])
    return Grid(header, rows)


def after_table(result: Mapping[str, Any]) -> Grid:
    """A row per name: validation Dice after each number of minutes and at the end, and Dice on test where asked."""
    minutes = result["minutes"]
    header = ["upsampler", *(f"{one:g} min" for one in minutes), "end", *["test"] * result["with_test"]]
    rows = []
    for name, runs in _by_name(result):
        cells = [_over([run["dice_after"][number]["dice"] for run in runs], ".4f") for number in range(len(minutes))]
        cells.append(_over([run["final_dice"] for run in runs], ".4f"))
        if result["with_test"]:
            cells.append(_over([run["test_dice"] for run in runs], ".4f"))
        rows.append([name, *cells])
    return Grid(header, rows)


def counted(result: Mapping[str, Any]) -> str:
    """What the minutes are."""
    known = [run["preparation_seconds"] for run in result["runs"] if run["preparation_seconds"] is not None]
    before = ""
    if known:
        before = (
            f" Before it, not counted: {duration(result['start_seconds'])} until the program is loaded, and "
            f"{_span(known)} until the data is checked and decoded."
        )
    seeds = len({run["seed"] for run in result["runs"]})
    over = f" Median of {seeds} seeds (least to most)." if seeds > 1 else ""
    return (
        "Counted is wall time from the first step on, with validation and checkpoints, over all sessions of a run."
        f"{before} Dice is of all validation pixels in the field of view, at threshold 0.5: the first validation at or "
        f"above a value, the last one that had ended after some minutes.{over}"
    )


def remarks(result: Mapping[str, Any]) -> list[str]:
    """What a reader must know to compare the rows."""
    found = [f"not told: {failure['run']}: {failure['reason']}" for failure in result["failures"]]
    machines = {(run["processor"], run["accelerator"], run["torch_threads"]) for run in result["runs"]}
    if len(machines) > 1:
        found.append("the runs were trained on different machines or numbers of threads: their times do not compare")
    resumed = [run["name"] for run in result["runs"] if run["sessions"] > 1]
    if resumed:
        found.append(f"resumed after an interruption: {', '.join(dict.fromkeys(resumed))}")
    return found


def _by_name(result: Mapping[str, Any]) -> Iterator[tuple[str, list[Run]]]:
    names = dict.fromkeys(run["name"] for run in result["runs"])
    for name in names:
        yield f"`{name}`", [run for run in result["runs"] if run["name"] == name]


def _to(minutes: Sequence[float | None]) -> str:
    reached = [one for one in minutes if one is not None]
    if not reached:
        return NEVER
    if len(reached) < len(minutes):
        return f"{len(reached)} of {len(minutes)} seeds"
    return _over(minutes, ".1f")


def _over(values: Sequence[float | None], digits: str) -> str:
    """The median, and least and most where there are several; a dash where one is not known."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return "-"
    middle = f"{statistics.median(known):{digits}}"
    return middle if len(known) == 1 else f"{middle} ({min(known):{digits}} to {max(known):{digits}})"


def _span(seconds: Sequence[float]) -> str:
    least, most = duration(min(seconds)), duration(max(seconds))
    return least if least == most else f"{least} to {most}"
