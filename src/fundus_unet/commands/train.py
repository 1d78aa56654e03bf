"""Train a network from a configuration, then evaluate it on test."""

from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from fundus_unet.commands.config_files import CONFIG_DIR
from fundus_unet.commands.multirun_job import train_job
from fundus_unet.core.errors import InputError
from fundus_unet.runs.last_run import named_run
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.train import resume_run, train_new_run

DEVICES = {"accelerator": "auto", "devices": 1, "num_nodes": 1, "strategy": "auto", "deterministic": False}
"""Settings of the trainer that say what to train on, and what they are where nothing is said.

`deterministic` is one of them: on a GPU, torch refuses some operations that it has no such form of.
"""


def train_from_config(config: DictConfig) -> dict[str, Any] | None:
    """Entry of the command `train`: a new run, with `resume=RUN_DIR` the rest of an old one, with `-m` many."""
    hydra = HydraConfig.get()
    choices, overrides = dict(hydra.runtime.choices), list(hydra.overrides.task)
    if config.resume is not None:
        return resume_run(_run_to_resume(config, overrides))
    if hydra.mode == RunMode.MULTIRUN:
        return train_job(config, choices, overrides)
    return train_new_run(config, choices, overrides)


def _run_to_resume(config: DictConfig, overrides: list[str]) -> RunDirectory:
    """The run that `resume` names; it keeps its configuration, only where data lie and what it trains on may change.

    Its logger is named where that writes beside the run.

    Raises:
        InputError: For any other override.
    """
    data_dir, moved, named = None, set(), None
    for override in overrides:
        key = override.partition("=")[0].lstrip("+")
        if key == "paths.data_dir":
            data_dir = config.paths.data_dir
        elif key == "trainer" and _says_devices_alone(config.trainer):
            moved |= set(DEVICES)
        elif key in {f"trainer.{name}" for name in DEVICES}:
            moved.add(key.removeprefix("trainer."))
        elif key == "logger":
            named = override
        elif key not in ("resume", "trust", "paths.runs_dir"):
            raise _not_applied(override)
    run = RunDirectory(named_run("resume", config.resume, config.paths.runs_dir, finished=False), data_dir)
    if named and OmegaConf.select(run.config, "logger._target_") != OmegaConf.select(config, "logger._target_"):
        raise _not_applied(named)
    for name in moved:
        run.config.trainer[name] = config.trainer.get(name, DEVICES[name])
    return run


def _not_applied(override: str) -> InputError:
    return InputError(
        f"a resumed run keeps its configuration, so {override} cannot be applied",
        expected="resume=RUN_DIR; paths.data_dir=DIR where the data has moved; trust=CLASS of another package; "
        f"the run's own logger; what to train on: {', '.join(f'trainer.{name}' for name in DEVICES)}",
        fix="start a new run for another configuration",
    )


def _says_devices_alone(trainer: DictConfig) -> bool:
    """Whether a choice of `trainer` differs from the default in what to train on, and not in how: `smoke` does."""
    default = OmegaConf.load(CONFIG_DIR / "trainer/default.yaml")
    chosen, usual = (cast(dict[str, Any], OmegaConf.to_container(one)) for one in (trainer, default))
    return all(chosen.get(key) == usual.get(key) for key in {*chosen, *usual} - DEVICES.keys())
