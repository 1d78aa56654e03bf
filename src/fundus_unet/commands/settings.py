"""The composed configuration of a script, checked before its command starts."""

from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from fundus_unet.commands.entry import group_options
from fundus_unet.commands.settings_arguments import check_targets_below, check_trainer
from fundus_unet.commands.settings_rules import TARGET, optional
from fundus_unet.commands.settings_tables import NODE, OPTIONAL, TABLES
from fundus_unet.core.errors import InputError, did_you_mean

_MISSING = object()
CHOSEN_LATER = "a_new_run"
"""Stands for the run directory of a new run, which other settings name."""


def check_settings(config: DictConfig, script: str) -> None:
    """Check every setting: that it is there, that there is such a setting, and its value.

    Args:
        script: The name of the script's configuration in configs/.

    Raises:
        InputError: That names the dotted key, what was expected and what came; errors of OmegaConf where an
            interpolation cannot be resolved.
    """
    table, additions = TABLES[script], OPTIONAL.get(script, {})
    unresolved = OmegaConf.to_container(config, resolve=False)
    for key in table:
        if _at(unresolved, key) is _MISSING:
            raise _left_out(key)
    settings = _resolved(config)
    for key, rule in (table | additions).items():
        value = _at(settings, key)
        if value is not _MISSING:
            rule.check(value, key)
    known = [*table, *additions]
    for key in _keys(settings, known):
        if not any(key == one or one.startswith(f"{key}.") for one in known):
            raise InputError(f"there is no setting {key}", fix=did_you_mean(key, known))
    for name, callback in settings.get("callbacks", {}).items():
        optional(NODE).check(callback, f"callbacks.{name}")
    if "trainer" in settings:
        check_trainer(settings["trainer"])
    check_targets_below(settings, "")


def _resolved(config: DictConfig) -> dict[str, Any]:
    config = config.copy()
    if OmegaConf.select(config, "paths.run_dir", default=_MISSING) is None:
        config.paths.run_dir = CHOSEN_LATER
    found: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    return found


def _at(settings: Any, key: str) -> Any:
    """The value at a dotted key, or `_MISSING`."""
    for part in key.split("."):
        if not isinstance(settings, Mapping) or part not in settings:
            return _MISSING
        settings = settings[part]
    return settings


def _keys(settings: Mapping[Any, Any], table: list[str], prefix: str = "") -> Iterator[str]:
    """Dotted keys, without those below nodes of a class and below the groups that libraries take."""
    for name, value in settings.items():
        key = f"{prefix}{name}"
        yield key
        opaque = key in table or not isinstance(value, Mapping) or TARGET in value
        if not opaque:
            yield from _keys(value, table, f"{key}.")


def _left_out(key: str) -> InputError:
    group = key.split(".")[0]
    options = group_options(group)
    if options:
        return InputError(f"{key} is missing", fix=f"choose an option of {group}: {', '.join(options)}")
    return InputError(f"{key} is missing", fix=f"leave {key} as it is, or give it a value: {key}=...")
