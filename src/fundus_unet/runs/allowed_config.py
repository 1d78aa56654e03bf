"""What a run's configuration may say: an allow-list, since a run directory may come from a stranger.

Every use of a run builds its network and reads its data; only continuing the training needs the rest.
"""

import re
import typing
from typing import Annotated, Any, cast

from omegaconf import DictConfig, OmegaConf
from pydantic_core import ErrorDetails

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.runs.allowed_parts import (
    BESIDE_A_RUN,
    CALLBACKS,
    CHECKPOINT_CALLBACK,
    LOGGERS,
    OPTIMIZERS,
    check_part,
    check_value,
    is_trusted,
)
from fundus_unet.runs.schema import Check, Settings, Text, TrainerSettings, TrainingSettings, check, one_of

RUN_DIR = "${paths.run_dir}"
NAME = re.compile(r"(?!\.+$)[\w.+-]{0,100}")
"""What may become a part of a path or of a table: no separator, and not `..`."""
USED = (
    "seed",
    "model",
    "data.source",
    "data.folds",
    "data.fold",
    "data.scale",
    "data.fov_diameter",
    "data.vessel_calibre",
    "trainer.precision",
    "paths.data_dir",
)
"""What every use of a run needs."""
TRAINER = (
    *("accelerator", "devices", "num_nodes", "strategy", "precision", "max_epochs", "min_epochs", "gradient_clip_val"),
    *("gradient_clip_algorithm", "deterministic", "benchmark", "log_every_n_steps", "limit_train_batches"),
    *("limit_val_batches", "num_sanity_val_steps", "check_val_every_n_epoch", "accumulate_grad_batches"),
    *("overfit_batches", "sync_batchnorm", "detect_anomaly", "enable_model_summary", "enable_progress_bar"),
)
LARGEST_BATCH = 2**27  # pixels
MOST_DEVICES = 64  # of one machine


def _devices(value: Any) -> Any:
    named = value if isinstance(value, list) else re.split(r",\s*", str(value))
    fits = all(re.fullmatch(r"auto|-1|\d{1,2}", str(one)) and type(one) in (int, str) for one in named)
    counted = not isinstance(value, list) and str(value).isdigit()
    if not fits or len(named) > MOST_DEVICES or (counted and not 1 <= int(value) <= MOST_DEVICES):
        raise ValueError
    return value


Devices = Annotated[Any, Check(f"auto, a number of devices up to {MOST_DEVICES}, or a list of numbers", _devices)]


class RunPaths(Settings):
    """The group `paths`; nothing is looked for before it is used."""

    data_dir: Text | None
    runs_dir: Text | None = None
    run_dir: Text | None = None


class RunTrainerSettings(TrainerSettings):
    """The group `trainer`, with no more processes than a machine can have."""

    accelerator: Annotated[str, one_of("auto", "cpu", "gpu", "cuda", "mps")]
    devices: Devices = 1


class RunSettings(TrainingSettings):
    """All that a run is trained from."""

    paths: RunPaths
    trainer: RunTrainerSettings
    resume: Text | None = None
    start_from: Text | None = None


def check_used(config: DictConfig) -> None:
    """Check what every use of a run needs: network, data, precision and seed.

    Raises:
        InputError: Which names the key, for anything that is not allowed or not there.
    """
    values = _values(config)
    check(RunSettings, values, keep=_is_of_what_is_used)
    data = values["data"]
    if (data["scale"] is None) == (data["fov_diameter"] is None):
        raise InputError("the working resolution is not clear", expected="exactly one of data.scale, data.fov_diameter")
    check_part(values["model"], "model", "model")
    check_part(data["source"], "source", "data.source")


def _is_of_what_is_used(error: ErrorDetails) -> bool:
    key = ".".join(map(str, error["loc"]))
    return any(f"{used}.".startswith(f"{key}.") or f"{key}.".startswith(f"{used}.") for used in USED)


def check_run_config(config: DictConfig) -> None:
    """Check everything that a training is made from, before it is continued.

    Raises:
        InputError: Which names the key, for anything that is not allowed or not there.
    """
    check_used(config)
    values = _values(config)
    run: RunSettings = check(RunSettings, values)
    if run.data.batch_size * run.data.patch_size**2 > LARGEST_BATCH:
        raise InputError("a batch is too large", expected=f"batch_size * patch_size ** 2 up to {LARGEST_BATCH}")
    from lightning.pytorch import Trainer  # only to continue a training

    hints = typing.get_type_hints(Trainer.__init__)
    for name, value in values["trainer"].items():
        if name not in TRAINER:
            raise InputError(f"a run may not set trainer.{name}", fix=did_you_mean(name, TRAINER))
        if name not in RunTrainerSettings.model_fields:
            check_value(name, value, hints[name], f"trainer.{name}")
    for part, place in {
        "augment": "augment",
        "loss": "loss",
        "optimizer": OPTIMIZERS,
        "scheduler": "scheduler",
    }.items():
        check_part(values[part], place, part)
    for name, callback in run.callbacks.items():
        if callback is not None:
            place = CHECKPOINT_CALLBACK if name == "checkpoint" else CALLBACKS
            check_part(callback, place, f"callbacks.{name}")
    if run.logger is not None:
        _check_logger(run.logger, _values(config, resolve=False)["logger"])


def _check_logger(logger: dict[str, Any], written: Any) -> None:
    check_part(logger, LOGGERS, "logger")
    typed = BESIDE_A_RUN.get(logger["_target_"])
    if typed and not is_trusted(logger["_target_"]):
        raise InputError(
            f"the run logs to {typed}, into a folder beside its own",
            expected="what others made writes nowhere else than into its own folder, unless you say so",
            fix=f"add logger={typed}",
        )
    if written.get("save_dir") != RUN_DIR:
        raise InputError("a run's logger writes into the run alone", expected=f"logger.save_dir={RUN_DIR}")
    for name in ("name", "version", "prefix"):
        if not NAME.fullmatch(str(logger.get(name) if logger.get(name) is not None else "")):
            raise InputError(f"logger.{name} cannot be used", expected="a plain name", got=f"{logger[name]!r:.200}")


def _values(config: DictConfig, resolve: bool = True) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(config, resolve=resolve))
