"""Compare upsamplers by accuracy: train what is missing, then compare the runs."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from fundus_unet.commands.comparison_budget import length_for_all
from fundus_unet.commands.launched_runs import WHAT, launch_planned
from fundus_unet.commands.multirun import has_launcher
from fundus_unet.commands.planned_runs import (
    PlannedRun,
    check_begins_at_random,
    check_set_per_run,
    open_named,
    train_planned,
)
from fundus_unet.commands.upsamplers import changed_copy, check_control, check_upsamplers, network_for, with_upsampler
from fundus_unet.comparison.accuracy.compare import compare_accuracy
from fundus_unet.comparison.accuracy.matching import matching_width
from fundus_unet.comparison.accuracy.scored_runs import Failure
from fundus_unet.comparison.variants import variant_name
from fundus_unet.core.counting import parameter_count
from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import command, from_here, record_instead, setting
from fundus_unet.runs.budget import check_alone, set_length, with_numbers
from fundus_unet.runs.data_check import check_command
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.device import resolve_precision
from fundus_unet.runs.evaluate import labelled_cases
from fundus_unet.runs.run_directory import RunDirectory

SET_PER_RUN = ("upsampler", "model.upsampler", "seed", "data.folds", "data.fold", "resume", "paths.run_dir")
OWN_SETTINGS = ("upsamplers", "seeds", "folds", "control", "match_parameters", "run_dirs", "allow_different", "out_dir")


def compare_accuracy_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of the command `compare accuracy`; returns what accuracy.json holds.

    Exits with code 1 where some runs could not be compared and the others were.

    Raises:
        InputError: Where the settings cannot be used or nothing is left to compare.
    """
    console = Console()
    overrides = list(HydraConfig.get().overrides.task)
    check_set_per_run(overrides, SET_PER_RUN, "upsamplers=[...], seeds=[...] and folds=NUMBER")
    check_begins_at_random(config)
    if config.run_dirs:
        if config.folds is not None:
            raise InputError(
                "folds is for runs that are trained here; finished ones say themselves which fold they are",
                got=f"folds={config.folds} and run_dirs",
                fix="leave one of the two out",
            )
        if config.budget is not None:
            raise InputError(
                "budget is for runs that are trained here",
                got=f"budget={config.budget} and run_dirs",
                fix="leave one of the two out",
            )
        runs, failures = open_named(config, overrides)
    else:
        runs, failures = _train_all(config, overrides, console)
    result = compare_accuracy(
        runs,
        failures,
        config.final_split,
        Path(config.out_dir),
        console,
        control=config.control,
        preferred=check_upsamplers(config.upsamplers),
        allow_different=config.allow_different,
    )
    page = command("report", setting("dir", from_here(config.out_dir)))
    console.print(f"on one page: {page}", soft_wrap=True, highlight=False, markup=False)
    if result["failures"]:
        sys.exit(1)
    return result


def _train_all(config: DictConfig, overrides: list[str], console: Console) -> tuple[list[RunDirectory], list[Failure]]:
    """Train every variant with every seed that is not finished yet; a variant that fails does not stop the others."""
    for fold in _folds(config):  # before hours of training
        labelled_cases(splits_of(changed_copy(config, fold).data, trusted=True), config.final_split)
    of_one_length = _of_one_length(config, overrides, console)
    plan = list(_plan(*of_one_length))
    if has_launcher():
        return launch_planned(plan, of_one_length[1], config.paths.data_dir, Path(config.out_dir), console)
    return train_planned(plan, config.paths.data_dir, console, WHAT)


def _of_one_length(config: DictConfig, overrides: list[str], console: Console) -> tuple[DictConfig, list[str]]:
    """With numbers of steps and epochs in place of a budget, so that all runs have the same."""
    if config.budget is None:
        return config, overrides
    check_alone(config, overrides)
    names = check_upsamplers(config.upsamplers, least=2)
    variants = list(itertools.islice(_plan(config, overrides), len(names)))  # the first seed and fold of each
    check_with = check_command(variants[0][1], overrides)
    length = length_for_all([planned for planned, _, _ in variants], Path(config.out_dir), console, check_with)
    config = changed_copy(config, {"budget": None})
    set_length(config, length)
    record_instead("budget", with_numbers([], length))
    return config, with_numbers(overrides, length)


def _plan(config: DictConfig, overrides: list[str]) -> Iterator[PlannedRun]:
    """The configuration, choices and overrides of every run; seeds and folds outermost: variants grow evenly."""
    names = check_upsamplers(config.upsamplers, least=2)
    control = check_control(config.control, names)
    widths = _matching_widths(config, names, control) if config.match_parameters else {}
    kept = [item for item in overrides if item.partition("=")[0] not in OWN_SETTINGS]
    choices = dict(HydraConfig.get().runtime.choices)
    of_runs = OmegaConf.masked_copy(config, [str(key) for key in config if key not in OWN_SETTINGS])
    precision = resolve_precision(config.trainer.precision, config.trainer.accelerator)
    for seed, fold in itertools.product(config.seeds, _folds(config)):
        for name in names:
            own: dict[str, Any] = {"seed": seed} | fold
            if name in widths:
                own["model.upsampled_width"] = widths[name]
            variant = variant_name(name, widths.get(name, config.model.get("upsampled_width", 1)))
            run_name = f"{variant}_seed{seed}" + (f"_fold{fold['data.fold']}" if fold else "")
            run_dir = str(Path(config.out_dir).resolve() / "runs" / run_name)
            changes = own | {"trainer.precision": precision, "paths.run_dir": run_dir}
            planned = changed_copy(with_upsampler(of_runs, name), changes)
            told = [f"{key}={value}" for key, value in ({"upsampler": name} | own).items()]
            yield PlannedRun(planned, choices | {"upsampler": name}, [*kept, *told])


def _folds(config: DictConfig) -> list[dict[str, Any]]:
    """The settings of every fold; of the set's own split alone where there are no folds.

    Raises:
        InputError: For folds of a split in which an image would be scored several times, or never.
    """
    if config.folds is None:
        return [{}]
    if config.final_split != "test":
        raise InputError(
            "a cross-validation scores what each fold tests", expected="final_split=test", got=config.final_split
        )
    return [{"data.folds": config.folds, "data.fold": fold} for fold in range(config.folds)]


def _matching_widths(config: DictConfig, names: list[str], control: str) -> dict[str, float]:
    """The width after upsampling of every variant but the control.

    Raises:
        InputError: Where the network has no such width.
    """
    if "upsampled_width" not in config.model:
        raise InputError(
            "match_parameters=true needs a network whose width after upsampling can be set",
            expected="a setting model.upsampled_width, as model=unet has",
            got=str(config.model.get("_target_")),
        )

    def parameters(name: str, width: float) -> int:
        return parameter_count(network_for(changed_copy(config, {"model.upsampled_width": width}), name))

    target = parameters(control, config.model.upsampled_width)
    return {
        name: matching_width(lambda width, name=name: parameters(name, width), target)  # type: ignore[misc]
        for name in names
        if name != control
    }
