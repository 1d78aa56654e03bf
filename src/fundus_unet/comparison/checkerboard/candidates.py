"""The networks whose checkerboards are compared: trained runs with their initialization, or new ones."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from omegaconf import DictConfig
from torch import Tensor, nn

from fundus_unet.commands.variants import network_for, variant_of
from fundus_unet.comparison.checkerboard.regions import background_of
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.store import decode
from fundus_unet.runs.build import build
from fundus_unet.runs.evaluate import labelled_cases
from fundus_unet.runs.load import load_preprocessor, load_weights
from fundus_unet.runs.run_directory import RunDirectory

INIT, TRAINED = "init", "trained"


@dataclass(frozen=True)
class TestImage:
    """What a network is given, and where its answer is looked at (None: everywhere).

    Shapes:
        of images `image` (1, 3, h, w), `region` and `background` bool (h, w), all at working resolution; of other
        inputs, masks have the size of the answer.
    """

    name: str
    image: Tensor
    region: Tensor | None
    background: Tensor | None


class Subject(NamedTuple):
    """A network and its inputs."""

    network: nn.Module
    images: list[TestImage]


@dataclass(frozen=True)
class Candidate:
    """A network that is built when its turn comes, and told which images are measured."""

    variant: str
    state: str
    seed: int
    build: Callable[[Sequence[TestImage]], Subject]


def candidates_of_run(run: RunDirectory) -> list[Candidate]:
    """The run's network as it was initialized and as it was trained (best checkpoint).

    Raises:
        InputError: Where configuration or checkpoint cannot be used; both are tried here.
    """
    config = run.config
    checkpoint = run.checkpoint("best")
    variant = variant_of(run)

    def initial(images: Sequence[TestImage]) -> Subject:
        torch.manual_seed(config.seed)
        return Subject(build(config.model, trusted=False), list(images))

    def trained(images: Sequence[TestImage]) -> Subject:
        subject = initial(images)
        load_weights(subject.network, checkpoint)
        return subject

    trained([])
    return [Candidate(variant, INIT, config.seed, initial), Candidate(variant, TRAINED, config.seed, trained)]


def new_candidates(config: DictConfig, names: Sequence[str]) -> list[Candidate]:
    """The U-Net with every chosen upsampler and seed."""

    def initial(name: str, seed: int, images: Sequence[TestImage]) -> Subject:
        torch.manual_seed(seed)
        return Subject(network_for(config, name), list(images))

    return [
        Candidate(name, INIT, seed, functools.partial(initial, name, seed)) for name in names for seed in config.seeds
    ]


def images_of(config: DictConfig, split: str, count: int, trusted: bool, advance: Callable[[], Any]) -> list[TestImage]:
    """The first `count` images of a split, as a network of this configuration gets them.

    Raises:
        InputError: For a split without labels, or files that cannot be read.
    """
    cases = labelled_cases(build(config.data.source, trusted=trusted).splits(), split)[:count]
    preprocessor = load_preprocessor(config)
    images = []
    for case in cases:
        sample = decode(case, preprocessor)
        region = torch.from_numpy(sample.working.field_of_view)
        background = background_of(region, torch.from_numpy(sample.working_label > 0))
        images.append(TestImage(case.name, sample.working.tensor()[None], region, background))
        advance()
    return images


def open_runs(paths: Sequence[str], data_dir: str | None) -> tuple[list[RunDirectory], list[Candidate], list[str]]:
    """Runs that can be measured, their networks, and what is wrong with the others.

    Raises:
        InputError: Naming all of them, where none can be measured.
    """
    runs, candidates, problems = [], [], []
    for path in dict.fromkeys(str(path) for path in paths):
        try:
            run = RunDirectory(path)
            run.check_finished()
            if data_dir is not None:
                run.set_data_dir(data_dir)
            candidates += candidates_of_run(run)
            runs.append(run)
        except InputError as error:
            problems.append(f"{path}: {error}")
    if not runs:
        raise InputError("no run can be measured\n" + "\n".join(problems))
    return runs, candidates, problems
