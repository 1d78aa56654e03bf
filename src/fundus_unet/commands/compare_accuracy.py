"""Compare upsamplers by accuracy: train what is missing, score every run, tell differences from noise."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from fundus_unet.commands.entry import INTERRUPTED
from fundus_unet.commands.train import resume_run, train_new_run
from fundus_unet.commands.variants import (
    check_control,
    check_upsamplers,
    listed,
    network_for,
    variant_name,
    with_upsampler,
)
from fundus_unet.comparison.accuracy.matching import matching_width
from fundus_unet.comparison.accuracy.result import Failure, score_runs, write_result
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import remove_partial_files
from fundus_unet.runs.build import build
from fundus_unet.runs.device import resolve_precision
from fundus_unet.runs.evaluate import labelled_cases
from fundus_unet.runs.resume import existing_run
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_settings import check_same, protocol_of
from fundus_unet.training.segmenter import DivergedError

SET_PER_RUN = ("upsampler", "model.upsampler", "seed", "resume", "paths.run_dir")
OWN_SETTINGS = ("upsamplers", "seeds", "control", "match_parameters", "run_dirs", "allow_different", "out_dir")


def compare_accuracy_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of `scripts/compare_accuracy.py`; returns what accuracy.json holds.

    Exits with code 1 where some runs could not be compared and the others were.

    Raises:
        InputError: Where the settings cannot be used or nothing is left to compare.
    """
    console = Console()
    overrides = list(HydraConfig.get().overrides.task)
    _check_overrides(overrides)
    if listed(config.run_dirs, "run_dirs"):
        runs, failures = _open_all([str(path) for path in config.run_dirs])
        data_dir = config.paths.data_dir if any(item.startswith("paths.data_dir=") for item in overrides) else None
    else:
        runs, failures = _train_all(config, overrides, console)
        data_dir = config.paths.data_dir
    if not runs:
        raise InputError(
            "there is no finished run to compare:\n  " + "\n  ".join(f"{f.run}: {f.reason}" for f in failures)
        )
    protocols = {run.path.name: protocol_of(plain(run.config)) for run in runs}
    if not config.allow_different:
        check_same(protocols)
    out_dir = Path(config.out_dir)
    remove_partial_files(out_dir)
    scored, unscored = score_runs(runs, config.final_split, data_dir, out_dir, console)
    failures += unscored
    result = write_result(out_dir, scored, protocols, failures, config, console)
    if failures:
        sys.exit(1)
    return result


def _check_overrides(overrides: list[str]) -> None:
    for override in overrides:
        key = override.lstrip("+~").partition("=")[0].split("@")[0]
        if key in SET_PER_RUN or key.startswith("model.upsampler."):
            raise InputError(
                f"{override} would be the same for every run of a comparison",
                expected="upsamplers=[...] and seeds=[...]",
                fix="the runs' own settings, such as data=chasedb1 or trainer.max_epochs=30, can be overridden",
            )


def _open_all(paths: list[str]) -> tuple[list[RunDirectory], list[Failure]]:
    """The finished runs among the given ones, and why the others are not compared."""
    runs: list[RunDirectory] = []
    failures: list[Failure] = []
    for path in paths:
        try:
            run = RunDirectory(path)
            run.check_finished()
            runs.append(run)
        except InputError as error:
            failures.append(Failure(path, error.problem))
    return runs, failures


def _train_all(config: DictConfig, overrides: list[str], console: Console) -> tuple[list[RunDirectory], list[Failure]]:
    """Train every variant with every seed that is not finished yet; a variant that fails does not stop the others."""
    labelled_cases(build(config.data.source, trusted=True).splits(), config.final_split)  # before hours of training
    config.trainer.precision = resolve_precision(config.trainer.precision, config.trainer.accelerator)
    plan = list(_plan(config, overrides))
    runs: list[RunDirectory] = []
    failures: list[Failure] = []
    started, trained = time.monotonic(), 0
    for number, (planned, choices, planned_overrides) in enumerate(plan, 1):
        path = Path(planned.paths.run_dir)
        left = (time.monotonic() - started) / trained * (len(plan) - number + 1) / 60 if trained else None
        console.rule(
            f"run {number} of {len(plan)}: {path.name}" + (f", about {left:.0f} min left" if left is not None else "")
        )
        try:
            run = _existing(path, planned)
            if run is None or not run.finished:
                trained += 1
                if run is None:
                    train_new_run(planned, choices, planned_overrides)
                else:
                    resume_run(run)
            runs.append(run or RunDirectory(path))
        except DivergedError as error:
            failures.append(Failure(path.name, error.problem))
            console.print(f"[yellow]{path.name}: {error.problem}; going on with the others", highlight=False)
        except SystemExit as stop:
            if stop.code == INTERRUPTED:
                console.print("or give the same comparison again: finished runs are kept", highlight=False)
            raise
    return runs, failures


def _plan(config: DictConfig, overrides: list[str]) -> Iterator[tuple[DictConfig, dict[str, Any], list[str]]]:
    """The configuration, choices and overrides of every run; seeds outermost, so that variants grow evenly."""
    names, seeds = check_upsamplers(config.upsamplers, least=2), list(listed(config.seeds, "seeds"))
    control = check_control(config.control, names)
    if not seeds or len(set(seeds)) < len(seeds) or not all(isinstance(seed, int) and seed >= 0 for seed in seeds):
        raise InputError("these seeds cannot be used", expected="different integers, such as [0,1,2]", got=seeds)
    widths = _matching_widths(config, names, control) if config.match_parameters else {}
    kept = [item for item in overrides if item.partition("=")[0] not in OWN_SETTINGS]
    choices = dict(HydraConfig.get().runtime.choices)
    of_runs = [str(key) for key in config if key not in OWN_SETTINGS]
    for seed in seeds:
        for name in names:
            planned = with_upsampler(OmegaConf.masked_copy(config, of_runs), name)
            planned.seed = seed
            own = [f"upsampler={name}", f"seed={seed}"]
            if name in widths:
                planned.model.upsampled_width = widths[name]
                own.append(f"model.upsampled_width={widths[name]}")
            variant = variant_name(name, planned.model.upsampled_width)
            planned.paths.run_dir = str(Path(config.out_dir).resolve() / "runs" / f"{variant}_seed{seed}")
            yield planned, choices | {"upsampler": name}, [*kept, *own]


def _matching_widths(config: DictConfig, names: list[str], control: str) -> dict[str, float]:
    """The width after upsampling of every variant but the control."""

    def parameters(name: str, width: float) -> int:
        changed = config.copy()
        changed.model.upsampled_width = width
        return sum(parameter.numel() for parameter in network_for(changed, name).parameters())

    target = parameters(control, config.model.upsampled_width)
    return {
        name: matching_width(lambda width, name=name: parameters(name, width), target)  # type: ignore[misc]
        for name in names
        if name != control
    }


def _existing(path: Path, planned: DictConfig) -> RunDirectory | None:
    """The run that an earlier comparison left in `path`.

    Raises:
        DivergedError: Where it diverged; `InputError` where it is another run than the planned one.
    """
    run = existing_run(path, planned)
    if run is not None and run.diverged:
        raise DivergedError(f"training diverged in an earlier comparison; delete {path} to try again")
    return run
