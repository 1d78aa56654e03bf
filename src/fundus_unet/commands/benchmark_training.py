"""Benchmark a training: how long to a quality, or where its time goes."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from fundus_unet.commands.benchmark_overhead import measure_overhead
from fundus_unet.commands.planned_runs import (
    PlannedRun,
    check_begins_at_random,
    check_set_per_run,
    open_named,
    train_planned,
)
from fundus_unet.commands.upsamplers import changed_copy, check_upsamplers, with_upsampler
from fundus_unet.comparison.accuracy.scored_runs import Failure
from fundus_unet.comparison.training_time.quality import time_to_quality
from fundus_unet.core.invocation import record_as_typed, running_seconds
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.device import resolve_precision
from fundus_unet.runs.evaluate import labelled_cases
from fundus_unet.runs.run_directory import RunDirectory

SET_PER_RUN = ("upsampler", "model.upsampler", "seed", "resume", "paths.run_dir")
OWN_SETTINGS = ("measure", "upsamplers", "seeds", "targets", "minutes", "overhead", "run_dirs", "out_dir")


def benchmark_training_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of the command `benchmark training`; returns what time_to_quality.json or training_overhead.json holds.

    Exits with code 1 where the times of some runs could not be told and those of others were.

    Raises:
        InputError: Where the settings cannot be used or there is no run to tell times of.
    """
    start_seconds = running_seconds()
    console = Console(file=sys.stdout)  # also while trainings that are timed have another one
    overrides = list(HydraConfig.get().overrides.task)
    check_set_per_run(overrides, SET_PER_RUN, "upsamplers=[...] and seeds=[...]")
    check_begins_at_random(config)
    if config.measure == "overhead":
        return measure_overhead(
            next(_plan(config, overrides)), Path(config.out_dir).resolve(), config.overhead, console
        )
    if config.run_dirs:
        runs, failures = open_named(config, overrides)
    else:
        runs, failures = _train_all(config, overrides, console)
        record_as_typed("budget")  # each training had its own number of steps for it
    result = time_to_quality(
        runs,
        failures,
        Path(config.out_dir).resolve(),
        console,
        targets=config.targets,
        minutes=config.minutes,
        with_test=config.final_split == "test",
        start_seconds=start_seconds,
    )
    if result["failures"]:
        sys.exit(1)
    return result


def _train_all(config: DictConfig, overrides: list[str], console: Console) -> tuple[list[RunDirectory], list[Failure]]:
    plan = list(_plan(config, overrides))
    labelled_cases(splits_of(config.data, trusted=True), config.final_split)  # before hours of training
    return train_planned(plan, config.paths.data_dir, console, "benchmark")


def _plan(config: DictConfig, overrides: list[str]) -> Iterator[PlannedRun]:
    """The runs to train, seeds outermost."""
    kept = [item for item in overrides if item.partition("=")[0].partition(".")[0] not in OWN_SETTINGS]
    choices = dict(HydraConfig.get().runtime.choices)
    of_runs = OmegaConf.masked_copy(config, [str(key) for key in config if key not in OWN_SETTINGS])
    precision = resolve_precision(config.trainer.precision, config.trainer.accelerator)
    for seed, name in itertools.product(config.seeds, check_upsamplers(config.upsamplers)):
        run_dir = str(Path(config.out_dir).resolve() / "runs" / f"{name}_seed{seed}")
        changes = {"seed": seed, "trainer.precision": precision, "paths.run_dir": run_dir}
        planned = changed_copy(with_upsampler(of_runs, name), changes)
        yield PlannedRun(planned, choices | {"upsampler": name}, [*kept, f"upsampler={name}", f"seed={seed}"])
