"""Compare networks across data sets: from a configuration to networks and images."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.commands.config_files import group_options
from fundus_unet.commands.data_options import GROUP, compose_set, sources_of, sources_of_option
from fundus_unet.comparison.datasets.cells import Conditions
from fundus_unet.comparison.datasets.compare import KEPT, compare_datasets
from fundus_unet.comparison.datasets.image_sets import ImageSet
from fundus_unet.comparison.datasets.kept_counts import KeptCounts
from fundus_unet.comparison.datasets.networks import Failure, open_networks
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.invocation import command, from_here, setting
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.device import choose_device
from fundus_unet.runs.last_run import named_run
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.schema import TARGET

INCOMPLETE = 1
DEFAULT_DATA_DIR = "data"


def cross_dataset_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of the command `compare datasets`; returns what datasets.json holds.

    Exits with code 1 where some networks or sets could not be compared and the others were.

    Raises:
        InputError: Where the settings cannot be used, or nothing can be scored.
    """
    console, device = Console(), choose_device(config.device)
    _check_named(config)
    run_dirs = [named_run("run_dirs", one, config.paths.runs_dir) for one in config.run_dirs]
    data_dir = config.paths.data_dir or _data_dir(run_dirs)
    composed = {name: compose_set(name, config.set_settings.get(name), data_dir) for name in dict.fromkeys(config.sets)}
    networks, failures = open_networks(run_dirs, list(config.weights), config.paths.data_dir, sources_of_option)
    sets: list[ImageSet] = []
    for name, data in composed.items():
        try:
            sets.append(_image_set(name, data))
        except InputError as error:
            failures.append(Failure(name, error.one_line))
    out_dir = Path(config.out_dir).expanduser()
    conditions = Conditions(device, config.tta, KeptCounts(out_dir / KEPT), config.match, dict(config.angles))
    result = compare_datasets(networks, sets, failures, config.images, out_dir, conditions, console)
    page = command("report", setting("dir", from_here(config.out_dir)))
    console.print(f"on one page: {page}", soft_wrap=True, highlight=False, markup=False)
    if result["failures"]:
        sys.exit(INCOMPLETE)
    return result


def _check_named(config: DictConfig) -> None:
    if not config.run_dirs and not config.weights:
        raise InputError(
            "which networks?",
            expected="run_dirs=[RUN_DIRECTORY,...], or weights=[vessels]",
            fix="give the runs that training printed, or run_dirs=[last]",
        )
    if not config.sets:
        names = group_options(GROUP)
        raise InputError("which sets?", expected=f"sets=[...] of {', '.join(names)}", fix="such as sets=[chasedb1,hrf]")
    unused = sorted(set(map(str, config.set_settings)) - set(config.sets))
    if unused:
        raise InputError(
            f"set_settings.{unused[0]} is of no set that is scored",
            expected=f"one of {', '.join(config.sets)}",
            fix=did_you_mean(unused[0], config.sets),
        )


def _data_dir(run_dirs: Sequence[str]) -> str:
    """Where training found the data of the first run that says it."""
    for path in run_dirs:
        with suppress(InputError):
            return str(RunDirectory(path).config.paths.data_dir)
    return DEFAULT_DATA_DIR


def _image_set(name: str, data: DictConfig) -> ImageSet:
    settings = {"data": data.source._target_, **_without_places(plain(data.source))}
    settings |= {"folds": data.folds, "fold": data.fold} if data.folds else {}
    sources = frozenset(str(source[TARGET]) for source in sources_of(plain(data.source)))
    return ImageSet.of(name, splits_of(data, trusted=True), sources, settings)


def _without_places(source: Mapping[str, Any]) -> dict[str, Any]:
    """What a set is, wherever it lies."""
    return {
        name: _without_places(value) if isinstance(value, dict) else value
        for name, value in source.items()
        if name not in ("root", TARGET)
    }
