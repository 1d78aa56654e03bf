"""The table of `summarize`: for a terminal of 80 columns, and whole for a spreadsheet."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from fundus_unet.commands.run_summary import FINISHED, RunSummary, differing_settings
from fundus_unet.core.plain_text import printable

FIRST = ("run", "state", "best")
BEST = "*"
LONGEST_NAME = 24
_OF_STEPS = ("data.patch_size", "data.batch_size", "data.steps_per_epoch")
"""Settings of `data` that say what a step is trained on, and not what is validated."""


def columns() -> tuple[str, ...]:
    """Those that the table of every folder begins with."""
    return FIRST


def best_of(runs: Sequence[RunSummary]) -> RunSummary | None:
    """The finished run of the highest average precision on validation; None where they validate on different data."""
    if any(key == "data" or (key.startswith("data.") and key not in _OF_STEPS) for key in differing_settings(runs)):
        return None
    scored = [run for run in runs if run.state == FINISHED and run.validation is not None]
    return max(scored, key=lambda run: run.validation or 0.0, default=None)


def in_order(runs: Sequence[RunSummary]) -> list[RunSummary]:
    """Finished ones first, the best on validation at the top."""
    return sorted(runs, key=lambda run: (run.state != FINISHED, run.validation is None, -(run.validation or 0.0)))


def csv_rows(runs: Sequence[RunSummary]) -> list[dict[str, Any]]:
    """A line per run with every score, in the order of the table."""
    runs = in_order(runs)
    differing, best = differing_settings(runs), best_of(runs)
    return [
        dict(zip(FIRST, (run.name, run.state, BEST if run is best else None), strict=True))
        | {key: values[number] for key, values in differing.items()}
        | {"val/average_precision": run.validation}
        | {f"{split}/{name}": score for split, scores in run.scores.items() for name, score in scores.items()}
        | {
            "minutes": None if run.seconds is None else round(run.seconds / 60, 2),
            "steps": run.steps,
            "created": run.created,
            "problem": run.problem,
        }
        for number, run in enumerate(runs)
    ]


def summary_tables(runs: Sequence[RunSummary]) -> Iterator[Table | str]:
    """One row per run, and what they mean; settings are folded into what the other columns leave."""
    runs = in_order(runs)
    differing, best = differing_settings(runs), best_of(runs)
    splits = [split for split in ("val", "test", "train") if any(split in run.scores for run in runs)]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("")
    table.add_column("run", overflow="fold", max_width=LONGEST_NAME)
    table.add_column("settings that differ", overflow="fold")
    table.add_column("AP\nval", justify="right", no_wrap=True)
    for split in splits:
        table.add_column(f"Dice\n{split}", justify="right", no_wrap=True)
    table.add_column("min", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for number, run in enumerate(runs):
        own = " ".join(f"{key}={values[number]}" for key, values in differing.items() if values[number] is not None)
        dice = (run.scores.get(split, {}).get("dice") for split in splits)
        table.add_row(
            BEST if run is best else "",
            Text(_short(run.name)),
            Text(printable(" ".join(filter(None, (own.removeprefix("upsampler="), run.problem))).partition("; ")[0])),
            *(_number(score, 4) for score in (run.validation, *dice)),
            _number(None if run.seconds is None else run.seconds / 60, 1),
            run.state,
        )
    yield table
    finished = sum(run.state == FINISHED for run in runs)
    yield f"{finished} of {len(runs)} runs are finished"
    if best is not None:
        yield f"{BEST} is best by average precision on validation (AP val), by which best epochs are chosen"
    elif finished:
        yield "none is marked as best: they have no validation in common, or their scores of it are not there"
    if "test" in splits:
        yield "choose by validation; Dice on test is there to be reported once"


def _short(name: str) -> str:
    """The number at the end of a multirun's long names, which stands for all of their settings."""
    long = re.fullmatch(r"((?:.*/)?).*(_[0-9a-f]{8})", name)
    return f"{long[1]}*{long[2]}" if long and len(name) > LONGEST_NAME else name


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
