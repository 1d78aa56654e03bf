"""Score a run on one split."""

from typing import Any

from omegaconf import DictConfig, OmegaConf

from fundus_unet.core.errors import InputError
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.evaluate import evaluate_run
from fundus_unet.runs.last_run import named_run
from fundus_unet.runs.run_directory import RunDirectory


def evaluate_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of the command `evaluate`; returns the metrics.

    Raises:
        InputError: As `evaluate_run`, or where no run is given.
    """
    if config.run_dir is None:
        raise InputError(
            "which run?", expected="run_dir=RUN_DIRECTORY", fix="give the run that training printed, or run_dir=last"
        )
    run = RunDirectory(named_run("run_dir", config.run_dir, config.paths.runs_dir), config.paths.data_dir)
    splits, name = None, config.split
    if config.get("data") is not None:
        places = OmegaConf.merge(config, {"paths": {"data_dir": run.config.paths.data_dir}})
        splits = splits_of(places.data, trusted=True)
        name = f"{places.data.source._target_.rpartition('.')[2]}_{config.split}"
    return evaluate_run(run, config.split, splits, name, config.checkpoint, config.device, config.tta)
