"""Options of the group `data`, composed by name beside the configuration that the command line is."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from fundus_unet.commands.config_files import CONFIG_DIR, group_options
from fundus_unet.commands.settings_arguments import check_targets_below
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.runs.run_directory import plain
from fundus_unet.runs.schema import TARGET, DataSettings, check

GROUP, SCRIPT = "data", "cross_dataset"


def compose_set(name: str, changes: Mapping[str, Any] | None, data_dir: str) -> DictConfig:
    """The group `data` of the option `name`, resolved.

    Args:
        changes: Settings below it that are other than the option's; `data` among them names another option.
        data_dir: Where the sets are.

    Raises:
        InputError: For an option that is not there, or settings that do not fit it.
    """
    given = OmegaConf.create(dict(changes or {}))
    option = given.pop(GROUP, name)
    options = group_options(GROUP)
    if option not in options:
        raise InputError(
            f"{GROUP} has no option {str(option)!r}",
            expected=f"sets=[...] of {', '.join(options)}; for other names, +set_settings.{name}.data=OPTION",
            fix=did_you_mean(str(option), options),
        )
    data = _composed(option)
    OmegaConf.set_struct(data, False)
    config = OmegaConf.create({"paths": {"data_dir": data_dir}, GROUP: OmegaConf.merge(data, given)})
    values = plain(config)[GROUP]
    check(DataSettings, values, f"set_settings.{name}")
    check_targets_below(values["source"], f"set_settings.{name}.source")
    return DictConfig(values)


def sources_of_option(option: str) -> frozenset[str] | None:
    """The classes of the data sets in an option of the group `data`; None for one that is not there."""
    if option not in group_options(GROUP):
        return None
    config = OmegaConf.create({"paths": {"data_dir": "data"}, GROUP: _composed(option)})
    return frozenset(str(source[TARGET]) for source in sources_of(plain(config)[GROUP]["source"]))


def sources_of(source: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A data set, or the sets in a mixture."""
    sets = source.get("sets")
    if not sets:
        yield source
    for mixed in (sets or {}).values():
        if mixed is not None:
            yield from sources_of(mixed["source"])


def _composed(option: str) -> DictConfig:
    running = GlobalHydra.instance().is_initialized()
    with nullcontext() if running else initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        found: DictConfig = compose(SCRIPT, [f"+{GROUP}={option}"])[GROUP]
    return found
