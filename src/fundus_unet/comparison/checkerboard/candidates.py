"""The networks whose checkerboards are compared: runs, trained and at their initialization, or untrained networks."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from fundus_unet.comparison.checkerboard.regions import background_of
from fundus_unet.comparison.checkerboard.states import INIT, TRAINED
from fundus_unet.comparison.variants import open_finished, variant_of
from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import decode
from fundus_unet.runs.build import build_network
from fundus_unet.runs.load import load_weights
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_settings import check_same, protocol_of

IMAGE_SETTINGS = ("data.source", "data.scale", "data.fov_diameter")


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


Builds = Mapping[str, Callable[[], nn.Module]]
"""How the network of each upsampler is built, with new weights."""


def seeded(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """The network with the initial weights of that seed."""
    torch.manual_seed(seed)
    return build()


def untrained_candidates(
    builds: Builds,
    seeds: Sequence[int],
    subject_of: Callable[[Any, Sequence[TestImage]], Subject] = lambda network, images: Subject(network, list(images)),
) -> list[Candidate]:
    """Every network with every seed.

    Args:
        builds: By upsampler.
        seeds: Of the weights.
        subject_of: What of a network is measured, and on what, given the images.
    """

    def initial(name: str, seed: int, images: Sequence[TestImage]) -> Subject:
        return subject_of(seeded(builds[name], seed), images)

    return [Candidate(name, INIT, seed, functools.partial(initial, name, seed)) for name in builds for seed in seeds]


def candidates_of_run(run: RunDirectory) -> list[Candidate]:
    """The run's network as it was initialized and as it was trained (best checkpoint).

    Raises:
        InputError: Where configuration or checkpoint cannot be used; both are tried here.
    """
    seed, checkpoint, variant = run.config.seed, run.checkpoint("best"), variant_of(run)

    def initial(images: Sequence[TestImage]) -> Subject:
        build = functools.partial(build_network, run.config.model, trusted=False)
        return Subject(seeded(build, seed), list(images))

    def trained(images: Sequence[TestImage]) -> Subject:
        subject = initial(images)
        load_weights(subject.network, checkpoint)
        return subject

    trained([])
    return [Candidate(variant, INIT, seed, initial), Candidate(variant, TRAINED, seed, trained)]


def open_runs(paths: Sequence[str], data_dir: str | None) -> tuple[list[RunDirectory], list[Candidate], list[str]]:
    """Runs that can be measured, their networks, and what is wrong with the others.

    Raises:
        InputError: Naming all of them, where none can be measured; or where they do not name the same images, on
            which alone networks can be compared.
    """
    opened, errors = open_finished(paths, data_dir)
    runs: list[RunDirectory] = []
    candidates: list[Candidate] = []
    for path, run in opened.items():
        try:
            candidates += candidates_of_run(run)
            runs.append(run)
        except InputError as error:
            errors[path] = error
    problems = [f"{path}: {error}" for path, error in errors.items()]
    if not runs:
        raise InputError("no run can be measured\n" + "\n".join(problems))
    settings = {f"run {number}": protocol_of(plain(run.config)) for number, run in enumerate(runs, 1)}
    check_same({run: {key: one[key] for key in one if key.startswith(IMAGE_SETTINGS)} for run, one in settings.items()})
    return runs, candidates, problems


def images_of(cases: Sequence[Case], preprocessor: Preprocessor, advance: Callable[[], Any]) -> list[TestImage]:
    """The images as a network gets them.

    Raises:
        InputError: For files that cannot be read.
    """
    images = []
    for case in cases:
        sample = decode(case, preprocessor)
        region = torch.from_numpy(sample.working.field_of_view)
        background = background_of(region, torch.from_numpy(sample.working_label > 0))
        images.append(TestImage(case.name, sample.working.tensor()[None], region, background))
        advance()
    return images
