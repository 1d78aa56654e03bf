"""What a run's configuration may say: an allow-list, since a run directory may come from a stranger.

Every use of a run builds its network and reads its data; only continuing the training needs the rest.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, cast

from omegaconf import DictConfig, OmegaConf

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.runs.allowed_parts import CALLBACKS, CHECKPOINT_CALLBACK, check_part, check_value

RUN_DIR = "${paths.run_dir}"
NAME = re.compile(r"(?!\.+$)[\w.+-]{0,100}")
"""What may become a part of a path or of a table: no separator, and not `..`."""

Precision = Literal["auto", "32-true", "bf16-mixed", "16-mixed", "64-true"]
PATHS: dict[str, Any] = {"data_dir": str | None, "runs_dir": str | None, "run_dir": str | None}
DATA: dict[str, Any] = {
    "scale": float | None,
    "fov_diameter": float | None,
    "patch_size": int,
    "batch_size": int,
    "steps_per_epoch": int,
    "epochs": int,
    "workers": int,
    "memory_limit_gb": float,
}
TRAINER: dict[str, Any] = {
    "accelerator": Literal["auto", "cpu", "gpu", "cuda", "mps"],
    "devices": int | str | list[int],
    "num_nodes": int,
    "strategy": Literal["auto"],  # others start processes of their own, even on one device
    "precision": Precision,
    "max_epochs": int,
    "min_epochs": int | None,
    "gradient_clip_val": float | None,
    "gradient_clip_algorithm": Literal["norm", "value"] | None,
    "deterministic": bool | Literal["warn"] | None,
    "benchmark": bool | None,
    "log_every_n_steps": int | None,
    "limit_train_batches": float | None,
    "limit_val_batches": float | None,
    "num_sanity_val_steps": int | None,
    "check_val_every_n_epoch": int | None,
    "accumulate_grad_batches": int,
    "overfit_batches": float,
    "sync_batchnorm": bool,
    "detect_anomaly": bool,
    "enable_model_summary": bool | None,
    "enable_progress_bar": bool | None,
}
TOP: dict[str, Any] = {
    "seed": int,
    "channels_last": bool,
    "final_split": Literal["train", "val", "test"],
    "resume": str | None,
}
SECTIONS = ("paths", "data", "augment", "model", "loss", "optimizer", "scheduler", "trainer", "callbacks", "logger")
LARGEST_BATCH = 2**27  # pixels
LARGEST_SEED = 2**32 - 1
OLD_CHECKPOINT = "lightning.pytorch.callbacks.ModelCheckpoint"
_OLD_CHECKPOINT_SETTINGS: dict[str, Any] = {
    "dirpath": f"{RUN_DIR}/checkpoints",
    "filename": "best",
    "save_last": True,
    "enable_version_counter": False,
}


def check_used(config: DictConfig) -> None:
    """Check what every use of a run needs: network, data, precision and seed.

    Raises:
        InputError: Which names the key, for anything that is not allowed or not there.
    """
    values = _values(config)
    check_part(_section(values, "model"), "model", "model")
    data = _section(values, "data")
    check_part(data.get("source"), "source", "data.source")
    for name in ("scale", "fov_diameter"):
        check_value(name, data.get(name), DATA[name], f"data.{name}")
    if (data.get("scale") is None) == (data.get("fov_diameter") is None):
        raise InputError("the working resolution is not clear", expected="exactly one of data.scale, data.fov_diameter")
    check_value("precision", _section(values, "trainer").get("precision"), Precision, "trainer.precision")
    check_value("data_dir", _section(values, "paths").get("data_dir"), PATHS["data_dir"], "paths.data_dir")
    _check_seed(values.get("seed"))


def check_run_config(config: DictConfig) -> None:
    """Check everything that a training is made from, before it is continued.

    Raises:
        InputError: Which names the key, for anything that is not allowed or not there.
    """
    check_used(config)
    values, written = _values(config), cast(dict[str, Any], OmegaConf.to_container(config))
    _check_names(values, (*SECTIONS, *TOP), "")
    for name, hint in TOP.items():
        if name != "resume" or values.get(name) is not None:
            check_value(name, values.get(name), hint, name)
    _check_values(values, "paths", PATHS)
    _check_values(values, "data", DATA | {"source": Any}, parts=("source",))
    _check_values(values, "trainer", TRAINER)
    data = values["data"]
    if data.get("batch_size", 0) * data.get("patch_size", 0) ** 2 > LARGEST_BATCH:
        raise InputError("a batch is too large", expected=f"batch_size * patch_size ** 2 up to {LARGEST_BATCH}")
    check_part(values.get("augment"), "augment", "augment")
    for part in ("loss", "optimizer", "scheduler"):
        check_part(values.get(part), part, part)
    for name, callback in _section(values, "callbacks").items():
        if callback is not None:
            place = CHECKPOINT_CALLBACK if name == "checkpoint" else CALLBACKS
            check_part(callback, place, f"callbacks.{name}")
    if values.get("logger") is not None:
        _check_logger(values["logger"], written["logger"])


def replace_old_checkpoint(config: DictConfig) -> None:
    """Turn Lightning's checkpoint callback, as runs of earlier versions name it, into this project's.

    One that writes elsewhere or otherwise stays, and is refused by `check_run_config`.
    """
    callbacks = OmegaConf.to_container(config).get("callbacks")  # type: ignore[union-attr]
    if not isinstance(callbacks, dict):
        return
    for name, callback in callbacks.items():
        if not isinstance(callback, dict) or callback.get("_target_") != OLD_CHECKPOINT:
            continue
        rest = {key: value for key, value in callback.items() if key not in ("_target_", "monitor", "mode")}
        if rest == _OLD_CHECKPOINT_SETTINGS:
            scores = {key: callback[key] for key in ("monitor", "mode") if key in callback}
            own = {"_target_": "fundus_unet.training.checkpoints.RunCheckpoints", "_partial_": True}
            config.callbacks[name] = own | scores


def _check_logger(logger: Any, written: Any) -> None:
    check_part(logger, "logger", "logger")
    if written.get("save_dir") != RUN_DIR:
        raise InputError("a run's logger writes into the run alone", expected=f"logger.save_dir={RUN_DIR}")
    for name in ("name", "version", "prefix"):
        if not NAME.fullmatch(str(logger.get(name) if logger.get(name) is not None else "")):
            raise InputError(f"logger.{name} cannot be used", expected="a plain name", got=f"{logger[name]!r:.200}")


def _check_seed(seed: Any) -> None:
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed <= LARGEST_SEED:
        raise InputError("seed cannot be used", expected=f"an integer from 0 to {LARGEST_SEED}", got=f"{seed!r:.200}")


def _check_values(values: Mapping[str, Any], name: str, hints: Mapping[str, Any], parts: tuple[str, ...] = ()) -> None:
    section = _section(values, name)
    _check_names(section, (*hints, *parts), name)
    for key, value in section.items():
        if key not in parts:
            check_value(key, value, hints[key], f"{name}.{key}")


def _check_names(found: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for name in found:
        if name not in known:
            raise InputError(f"a run may not set {f'{where}.{name}'.lstrip('.')}", fix=did_you_mean(name, known))


def _section(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = values.get(name)
    if not isinstance(section, dict):
        raise InputError(f"{name} is not there", expected=f"settings {name}.*", got=f"{name}={section!r:.200}")
    return section


def _values(config: DictConfig) -> dict[str, Any]:
    return cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
