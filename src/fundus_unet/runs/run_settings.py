"""What must be equal for a comparison to be about the upsampler alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from fundus_unet.core.errors import InputError

FREE = ("model.upsampler", "model.upsampled_width")
"""What runs may differ in: the upsampler and its width; and where the data lie, every `root` below `data.source`."""
GROUPS = ("data", "augment", "model", "loss", "optimizer", "scheduler", "channels_last", "start_from")
TRAINER = ("max_epochs", "precision", "gradient_clip_val", "limit_train_batches", "overfit_batches")
IRRELEVANT = ("data.workers", "data.memory_limit_gb", "data.epochs")
"""They change how a run is carried out, not its outcome; `trainer.max_epochs` is the number of epochs that counts."""
FOLD = "data.fold"
"""Runs of all folds are one cross-validation, as those of several seeds are one comparison."""


def protocol_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting of a training run that its scores depend on, other than seed, fold and upsampler, by dotted key.

    Args:
        config: The run's resolved configuration as plain values.
    """
    settings: dict[str, Any] = {}
    for group in GROUPS:
        settings |= _flat(config.get(group), group)
    settings |= {f"trainer.{name}": config["trainer"].get(name) for name in TRAINER}
    skipped = (*FREE, *IRRELEVANT)
    return {
        key: value
        for key, value in settings.items()
        if key != FOLD and not key.startswith(skipped) and not _is_place(key)
    }


def fold_of(config: Mapping[str, Any]) -> int | None:
    """Which fold of a cross-validation a run is; None where it is none."""
    data = config["data"]
    return None if data.get("folds") is None else int(data.get("fold", 0))


def _is_place(key: str) -> bool:
    return key.startswith("data.source") and key.endswith(".root")


def differing(protocols: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The settings that are not the same in all runs: `{key: {run: value}}`."""
    keys = dict.fromkeys(key for protocol in protocols.values() for key in protocol)
    found = {key: {run: protocol.get(key) for run, protocol in protocols.items()} for key in keys}
    return {key: values for key, values in found.items() if len(set(map(str, values.values()))) > 1}


def check_same(protocols: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `InputError` where runs differ in anything but seed and upsampler, with the settings and their values."""
    found = differing(protocols)
    if not found:
        return
    shown = [f"{key}: {_grouped(values)}" for key, values in list(found.items())[:8]]
    more = f"\n    and {len(found) - 8} more settings" if len(found) > 8 else ""
    raise InputError(
        "these runs differ in more than the upsampler, so their scores do not compare upsamplers",
        expected="the same split, preprocessing, network and budget in every run",
        got="\n    " + "\n    ".join(shown) + more,
        fix="leave the odd ones out, or compare them nevertheless with allow_different=true",
    )


def _grouped(values: Mapping[str, Any]) -> str:
    runs: dict[str, list[str]] = {}
    for run, value in values.items():
        runs.setdefault(str(value), []).append(run)
    return "; ".join(f"{value} in {_some(names)}" for value, names in runs.items())


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _flat(value: Any, key: str) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {name: item for child in value for name, item in _flat(value[child], f"{key}.{child}").items()}
    return {key: value}
