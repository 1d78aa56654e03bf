"""One training of a multirun (`-m`), which continues where the same command, or a longer one, stopped.

Every job has a run directory that depends on its overrides alone: finished runs are kept, others are resumed. A job
that fails does not stop the rest.
"""

import hashlib
import sys
import traceback
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from fundus_unet.commands.error_messages import explain
from fundus_unet.commands.job_process import in_its_process
from fundus_unet.commands.job_records import add_record
from fundus_unet.commands.multirun import FAILED, FINISHED, INTERRUPTED, Job, Multirun
from fundus_unet.commands.settings import check_settings
from fundus_unet.comparison.accuracy.scored_runs import REGION, scores_left
from fundus_unet.core.errors import InputError
from fundus_unet.inference.evaluation import NETWORK
from fundus_unet.runs.evaluate import SPLITS
from fundus_unet.runs.resume import existing_run
from fundus_unet.runs.run_directory import CONFIG, RunDirectory
from fundus_unet.runs.run_name import run_name
from fundus_unet.runs.train import completed, resume_run, train_new_run
from fundus_unet.training.segmenter import DivergedError


def train_job(config: DictConfig, choices: dict[str, Any], overrides: list[str]) -> dict[str, Any] | None:
    """Train, continue, or keep a job's run; returns the metrics of one that was trained.

    An error is told and kept for the end of the multirun. An interruption ends it, with the table of what there is.
    """
    multirun = Multirun()
    number = int(HydraConfig.get().job.num)
    path = _run_path(str(HydraConfig.get().sweep.dir), config, choices, overrides)
    settings = multirun.settings_of(overrides)
    title = f"run {number + 1} of {multirun.total}: {settings}"
    with in_its_process(title, "train", path.name):
        metrics, failure, state = None, None, FINISHED
        try:
            metrics = _trained(config, path, choices, overrides)
        except (KeyboardInterrupt, SystemExit):
            _keep(number, _job(path, settings, INTERRUPTED))
            raise
        except Exception as error:
            failure = _told(error)
            state = FAILED
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


def _trained(config: DictConfig, path: Path, choices: dict[str, Any], overrides: list[str]) -> dict[str, Any] | None:
    check_settings(config, "train")
    planned = completed(config, path)
    run = existing_run(path, planned)
    if run is None:
        return train_new_run(planned, choices, overrides, one_of_many=True)
    if run.finished and _scores(path):
        print(f"finished before, and kept: {path}")
        return None
    if run.diverged:
        raise DivergedError(f"training diverged before; delete {path} to try again")
    return resume_run(run, one_of_many=True)


def _run_path(folder: str, config: DictConfig, choices: dict[str, Any], overrides: list[str]) -> Path:
    """Where a job's run goes: `paths.run_dir`, or else its choices in words, and all of its overrides as a number."""
    if isinstance(config.paths.run_dir, str):
        return Path(config.paths.run_dir).expanduser()
    decisive = sorted(item for item in overrides if not item.lstrip("+").startswith("paths."))
    digest = hashlib.sha256("\n".join(decisive).encode()).hexdigest()[:8]
    return Path(folder).expanduser().resolve() / f"{run_name(choices, overrides, config.seed)}_{digest}"


def _job(path: Path, settings: str, state: str, failure: str | None = None) -> Job:
    """A job with what its run directory says, where there is one."""
    minutes = None
    if (path / CONFIG).is_file():
        try:
            sessions = RunDirectory(path).sessions
            minutes = sum(session["wall_seconds"] for session in sessions) / 60
        except InputError:
            pass  # who uses the run is told what is wrong with it
    return Job(path.name, settings, state, _scores(path), minutes, failure)


def _scores(path: Path) -> dict[str, float]:
    """Dice in the field of view at threshold 0.5, by split, of the evaluations that are there."""
    found = {split: scores_left(path / "evaluation" / split) for split in SPLITS}
    return {split: left[0][REGION][NETWORK]["pooled"]["dice"] for split, left in found.items() if left is not None}
