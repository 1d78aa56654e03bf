"""One training of a multirun (`-m`), which continues where the same command, or a longer one, stopped.

Every job has a run directory that depends on its overrides alone: finished runs are kept, others are resumed. A job
that fails does not stop the rest.
"""

import hashlib
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from fundus_unet.commands.error_messages import explain
from fundus_unet.commands.job_process import in_its_process
from fundus_unet.commands.job_records import add_record
from fundus_unet.commands.multirun import FAILED, FINISHED, INTERRUPTED, PRUNED, Job, Multirun
from fundus_unet.commands.optuna_study import TrialPlace
from fundus_unet.commands.run_summary import OBJECTIVE
from fundus_unet.commands.settings import check_settings
from fundus_unet.comparison.accuracy.scored_runs import REGION, scores_left
from fundus_unet.core.errors import InputError
from fundus_unet.inference.evaluation import NETWORK
from fundus_unet.runs.evaluate import SPLITS
from fundus_unet.runs.resume import existing_run
from fundus_unet.runs.run_directory import CONFIG, RunDirectory
from fundus_unet.runs.run_name import run_name
from fundus_unet.runs.train import completed, resume_run, train_new_run
from fundus_unet.training.pruning import PrunedError, Pruning
from fundus_unet.training.segmenter import DivergedError


def train_job(config: DictConfig, choices: dict[str, Any], overrides: list[str]) -> dict[str, Any] | None:
    """Train, continue, or keep a job's run; returns the metrics of one that was trained.

    An error is told and kept for the end of the multirun. An interruption ends it, with the table of what there is.
    """
    path = _run_path(str(HydraConfig.get().sweep.dir), config, choices, overrides)
    trial = Multirun().given.get(int(HydraConfig.get().job.num))
    settings = Multirun().settings_of(overrides)
    return carry_out(path, settings, lambda: _trained(config, path, choices, overrides, trial))


def carry_out(path: Path, settings: str, train: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    """Do what a job is to do, and have the end of the multirun know how it ended; returns what `train` does.

    Args:
        path: Of the job's run directory.
        settings: What tells it from the other jobs.
    """
    number = int(HydraConfig.get().job.num)
    metrics, failure, state = None, None, FINISHED
    with in_its_process(f"run {number + 1} of {Multirun().total}: {settings}", path.name):
        try:
            metrics = train()
        except (KeyboardInterrupt, SystemExit):
            _keep(number, _job(path, settings, INTERRUPTED))
            raise
        except PrunedError as error:
            print(error.problem)
            state = PRUNED
        except Exception as error:
            failure, state = _told(error), FAILED
        _keep(number, _job(path, settings, state, failure))
    return metrics


def _told(error: Exception) -> str:
    """Print what is wrong; returns its first line."""
    message = explain(error, "train")
    if message is None:
        message = f"{type(error).__name__}: {error}"
        traceback.print_exc()
    print(f"error: {message}", file=sys.stderr)
    return message.splitlines()[0]


def _keep(number: int, job: Job) -> None:
    """Have the end of the multirun know of a job's end."""
    multirun = Multirun()
    if multirun.is_elsewhere:
        add_record(Path(multirun.folder), multirun.key, number, job)
    else:
        multirun.jobs[number] = job


def _trained(
    config: DictConfig, path: Path, choices: dict[str, Any], overrides: list[str], trial: TrialPlace | None
) -> dict[str, Any] | None:
    callbacks = [] if trial is None else [Pruning(trial.report)]
    check_settings(config, "train")
    planned = completed(config, path)
    run = existing_run(path, planned)
    if run is None:
        return train_new_run(planned, choices, overrides, one_of_many=True, callbacks=callbacks)
    if run.finished and _scores(path):
        print(f"finished before, and kept: {path}")
        return None
    if run.diverged:
        raise DivergedError(f"training diverged before; delete {path} to try again")
    if run.pruned and trial is not None:
        raise PrunedError("ended before, as others were better on validation by then")
    return resume_run(run, one_of_many=True, callbacks=callbacks)


def _run_path(folder: str, config: DictConfig, choices: dict[str, Any], overrides: list[str]) -> Path:
    """Where a job's run goes: `paths.run_dir`, or else its choices in words, and all of its overrides as a number."""
    if isinstance(config.paths.run_dir, str):
        return Path(config.paths.run_dir).expanduser()
    decisive = sorted(item for item in overrides if not item.lstrip("+").startswith("paths."))
    digest = hashlib.sha256("\n".join(decisive).encode()).hexdigest()[:8]
    return Path(folder).expanduser().resolve() / f"{run_name(choices, overrides, config.seed)}_{digest}"


def _job(path: Path, settings: str, state: str, failure: str | None = None) -> Job:
    """A job with what its run directory says, where there is one."""
    minutes = objective = None
    if (path / CONFIG).is_file():
        try:
            run = RunDirectory(path)
            minutes = sum(session["wall_seconds"] for session in run.sessions) / 60
            reached = [score for one in run.validations if (score := one.scores.get(OBJECTIVE)) is not None]
            objective = max(reached, default=None)
        except InputError:
            pass  # who uses the run is told what is wrong with it
    return Job(path.name, settings, state, _scores(path), minutes, failure, objective)


def _scores(path: Path) -> dict[str, float]:
    """Dice in the field of view at threshold 0.5, by split, of the evaluations that are there."""
    found = {split: scores_left(path / "evaluation" / split) for split in SPLITS}
    return {split: left[0][REGION][NETWORK]["pooled"]["dice"] for split, left in found.items() if left is not None}
