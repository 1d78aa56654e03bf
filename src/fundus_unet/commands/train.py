"""Train a network from a configuration, then evaluate it on test."""

import sys
import traceback
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from fundus_unet.commands.error_messages import explain
from fundus_unet.commands.multirun import job_ended, job_path
from fundus_unet.commands.settings import check_settings
from fundus_unet.core.errors import InputError
from fundus_unet.runs.resume import existing_run
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.train import completed, resume_run, train_new_run
from fundus_unet.training.segmenter import DivergedError


def train_from_config(config: DictConfig) -> dict[str, Any] | None:
    """Entry of `scripts/train.py`: a new run, with `resume=RUN_DIR` the rest of an old one, with `-m` many."""
    hydra = HydraConfig.get()
    choices, overrides = dict(hydra.runtime.choices), list(hydra.overrides.task)
    if config.resume is not None:
        return resume_run(_run_to_resume(config, overrides))
    if hydra.mode == RunMode.MULTIRUN:
        return _train_job(config, choices, overrides, hydra.sweep.dir)
    return train_new_run(config, choices, overrides)


def _run_to_resume(config: DictConfig, overrides: list[str]) -> RunDirectory:
    """The run that `resume` names; it keeps its configuration, only the place of the data may have changed.

    Raises:
        InputError: For any other override.
    """
    data_dir = None
    for override in overrides:
        key = override.partition("=")[0]
        if key == "paths.data_dir":
            data_dir = config.paths.data_dir
        elif key not in ("resume", "trust"):
            raise InputError(
                f"a resumed run keeps its configuration, so {override} cannot be applied",
                expected="resume=RUN_DIR; paths.data_dir=DIR where the data has moved; trust=CLASS of another package",
                fix="start a new run for another configuration",
            )
    return RunDirectory(config.resume, data_dir)


def _train_job(
    config: DictConfig, choices: dict[str, Any], overrides: list[str], sweep_dir: str
) -> dict[str, Any] | None:
    """One job of a multirun: trained, continued, or kept where it is finished. An error does not stop the rest."""
    path = job_path(sweep_dir, config, choices, overrides)
    print(f"\njob {path.name}: {' '.join(overrides)}")
    metrics = None
    try:
        check_settings(config, "train")
        planned = completed(config, path)
        run = existing_run(path, planned)
        if run is None:
            metrics = train_new_run(planned, choices, overrides)
        elif _is_scored(run):
            print(f"finished before, and kept: {path}")
        elif run.diverged:
            raise DivergedError(f"training diverged before; delete {path} to try again")
        else:
            metrics = resume_run(run)
    except Exception as error:
        message = explain(error, "train")
        if message is None:
            message = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        print(f"error: {message}", file=sys.stderr)
        job_ended(path.name, message.splitlines()[0])
        return None
    job_ended(path.name)
    return metrics


def _is_scored(run: RunDirectory) -> bool:
    splits = (run.config.final_split, "val")
    return run.finished and any((run.path / "evaluation" / split / "metrics.json").is_file() for split in splits)
