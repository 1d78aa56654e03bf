"""Compare checkerboards: from a configuration to the networks and images to measure."""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig
from rich.console import Console
from rich.progress import Progress
from torch import nn

from fundus_unet.commands.upsamplers import changed_copy, check_upsamplers, network_for, with_upsampler
from fundus_unet.comparison.checkerboard.candidates import (
    Candidate,
    images_of,
    open_runs,
    untrained_candidates,
)
from fundus_unet.comparison.checkerboard.compare import CheckerboardComparison
from fundus_unet.comparison.checkerboard.generator_candidates import VAETraining, generator_candidates
from fundus_unet.comparison.variants import cases_of_run
from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import INTERRUPTED
from fundus_unet.data.case import Case
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.runs.build import build
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.device import choose_device
from fundus_unet.runs.evaluate import labelled_cases
from fundus_unet.runs.last_run import named_run
from fundus_unet.runs.load import load_preprocessor
from fundus_unet.runs.training_objects import make_datamodule

INCOMPLETE = 1


def compare_checkerboard_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of the command `compare checkerboard`; returns the variants.

    Runs that cannot be measured are reported, and the exit code is then 1. An interruption keeps what was measured.

    Raises:
        InputError: Before anything is measured where no network or no image can be used.
    """
    console = Console()
    device = choose_device(config.device)
    found = _found(config, console)
    for problem in found.problems:
        console.print(f"[red]left out[/] {problem}", soft_wrap=True, highlight=False)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        reading = progress.add_task("reading images", total=None)
        images = images_of(found.cases[: config.images], found.preprocessor, lambda: progress.advance(reading))
    facts = {"networks": found.networks, "split": config.split, "vae_training": dict(config.vae_training)}
    comparison = CheckerboardComparison(Path(config.out_dir).resolve(), images, config.max_shifts, device, facts)
    interrupted = False
    try:
        comparison.measure_all(found.candidates, console)
    except KeyboardInterrupt:
        interrupted = True
    if comparison.measured:
        comparison.show(console)
    if interrupted:
        console.print(f"interrupted: {comparison.measured} of {len(found.candidates)} networks measured")
        sys.exit(INTERRUPTED)
    if found.problems:
        sys.exit(INCOMPLETE)
    return comparison.variants()


class _Found(NamedTuple):
    """What is compared: networks and their class, the images to measure on, and runs that are left out."""

    candidates: list[Candidate]
    networks: str
    cases: Sequence[Case]
    preprocessor: Preprocessor
    problems: list[str]


def _found(config: DictConfig, console: Console) -> _Found:
    if config.run_dirs:
        if config.generator is not None:
            raise InputError("run_dirs are U-Nets; a generator is made here", fix="set only one of run_dirs, generator")
        named = [named_run("run_dirs", one, config.paths.runs_dir) for one in config.run_dirs]
        runs, candidates, problems = open_runs(named, config.paths.data_dir)
        return _Found(candidates, _class(runs[0].config.model), *cases_of_run(runs[0], config.split), problems)
    if config.paths.data_dir is None:
        config = changed_copy(config, {"paths.data_dir": "data"})
    names = check_upsamplers(config.upsamplers)
    build_one: Callable[[DictConfig, str], nn.Module] = _generator_for if config.generator else network_for
    builds = {name: functools.partial(build_one, config, name) for name in names}
    if config.generator:
        candidates = generator_candidates(builds, config.seeds, lambda: _vae_training(config, console))
    else:
        candidates = untrained_candidates(builds, config.seeds)
    cases = labelled_cases(splits_of(config.data, trusted=True), config.split)
    return _Found(candidates, _class(config.generator or config.model), cases, load_preprocessor(config), [])


def _class(node: DictConfig) -> str:
    return str(node._target_).rpartition(".")[2]


def _generator_for(config: DictConfig, upsampler_name: str) -> nn.Module:
    upsampler = build(with_upsampler(config, upsampler_name).model.upsampler, trusted=True)
    generator: nn.Module = build(config.generator, trusted=True, upsampler=upsampler)
    return generator


def _vae_training(config: DictConfig, console: Console) -> VAETraining:
    settings = config.vae_training
    patches = changed_copy(
        config,
        {
            "seed": 0,  # of the patches: the same for every network
            "data.patch_size": settings.patch_size,
            "data.batch_size": settings.batch_size,
            "data.steps_per_epoch": settings.steps,
        },
    )
    splits = splits_of(config.data, trusted=True)
    data = make_datamodule(patches, splits, load_preprocessor(config), build(config.augment, trusted=True), console)
    return VAETraining(data.train_dataloader, settings.learning_rate, settings.beta)
