"""The trainings of one command, one after another: finished ones are kept, an interrupted one is resumed."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.comparison.accuracy.scored_runs import Failure
from fundus_unet.comparison.variants import open_finished
from fundus_unet.core.duration import duration
from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import INTERRUPTED
from fundus_unet.runs.last_run import named_run
from fundus_unet.runs.resume import existing_run
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.train import resume_run, train_new_run
from fundus_unet.training.segmenter import DivergedError


class PlannedRun(NamedTuple):
    """A training to come: its configuration, which names its run directory, and for the record what was chosen."""

    config: DictConfig
    choices: dict[str, Any]
    overrides: list[str]


def open_named(config: DictConfig, overrides: Sequence[str]) -> tuple[list[RunDirectory], list[Failure]]:
    """The finished runs of `run_dirs`, and why some cannot be opened; with `paths.data_dir` only where it was typed."""
    moved = any(item.startswith("paths.data_dir=") for item in overrides)
    named = [named_run("run_dirs", one, config.paths.runs_dir) for one in config.run_dirs]
    opened, errors = open_finished(named, config.paths.data_dir if moved else None)
    return list(opened.values()), [Failure(path, error.problem) for path, error in errors.items()]


def train_planned(
    plan: Sequence[PlannedRun], data_dir: str, console: Console, what: str
) -> tuple[list[RunDirectory], list[Failure]]:
    """Train every planned run that is not finished yet; one that diverges does not stop the others.

    Args:
        what: What the runs belong to, such as `comparison`.
    """
    runs: list[RunDirectory] = []
    failures: list[Failure] = []
    started, trained = time.monotonic(), 0
    for number, planned in enumerate(plan, 1):
        path = Path(planned.config.paths.run_dir)
        line = f"\nrun {number} of {len(plan)}: {path.name}"
        if trained:
            line += f"\nabout {duration((time.monotonic() - started) / trained * (len(plan) - number + 1))} left"
        console.print(line, soft_wrap=True, highlight=False, markup=False)
        try:
            trained += train_rest(planned, what)
            runs.append(RunDirectory(path, data_dir))
        except DivergedError as error:
            failures.append(Failure(path.name, error.problem))
            console.print(f"[yellow]{path.name}: {error.problem}; going on with the others", highlight=False)
        except SystemExit as stop:
            if stop.code == INTERRUPTED:
                console.print(f"or give the same {what} again: finished runs are kept", highlight=False)
            raise
    return runs, failures


def train_rest(planned: PlannedRun, what: str) -> bool:
    """Train what is missing of a planned run; returns whether anything was.

    Args:
        what: As `train_planned`.
    """
    path = Path(planned.config.paths.run_dir)
    run = existing_run(path, planned.config)
    if run is not None and run.diverged:
        raise DivergedError(f"training diverged in an earlier {what}; delete {path} to try again")
    if run is None:
        train_new_run(*planned, one_of_many=True)
    elif not run.finished:
        resume_run(run, one_of_many=True)
    return run is None or not run.finished


def check_begins_at_random(config: DictConfig) -> None:
    """Raise `InputError` where all runs of a comparison are to begin with the weights of one network."""
    if config.start_from is not None:
        raise InputError(
            "start_from is for one training: the weights of one upsampler fit no network with another",
            got=f"start_from={config.start_from}",
            fix="pre-train and finish a run of each upsampler with train, then compare these: run_dirs=[...]",
        )


def check_set_per_run(overrides: Sequence[str], names: Sequence[str], expected: str) -> None:
    """Raise `InputError` for an override of a setting that each run has its own of.

    Args:
        names: Their dotted keys.
        expected: What is given instead.
    """
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0].split("@")[0]
        if key in names or key.startswith("model.upsampler."):
            raise InputError(
                f"{override} would be the same for every run of a comparison",
                expected=expected,
                fix="the runs' own settings, such as data=chasedb1 or trainer.max_epochs=30, can be overridden",
            )
