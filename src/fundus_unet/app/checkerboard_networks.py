"""The networks whose checkerboards are compared: trained runs with their initialisation, or new ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import Tensor, nn

from fundus_unet.app.build import build
from fundus_unet.app.entry import CONFIG_DIR
from fundus_unet.app.evaluate import labelled_cases
from fundus_unet.app.load import load_preprocessor, load_weights
from fundus_unet.app.run_directory import RunDirectory
from fundus_unet.comparison.checkerboard.regions import background_of
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.store import decode

INIT, TRAINED = "init", "trained"


@dataclass(frozen=True)
class Candidate:
    """A network that is built when its turn comes."""

    arm: str
    state: str
    seed: int
    build: Callable[[], nn.Module]


@dataclass(frozen=True)
class TestImage:
    """Shapes: `image` (1, 3, h, w), `region` and `background` bool (h, w), all at working resolution."""

    name: str
    image: Tensor
    region: Tensor
    background: Tensor


def candidates_of_run(run: RunDirectory) -> list[Candidate]:
    """The run's network as it was initialised and as it was trained (best checkpoint).

    Raises: `InputError` where configuration or checkpoint cannot be used; both are tried here.
    """
    config = run.config
    checkpoint = run.checkpoint("best")
    arm = str(run.choices.get("upsampler") or run.path.name)

    def initial() -> nn.Module:
        torch.manual_seed(config.seed)
        network: nn.Module = build(config.model, trusted=False)
        return network

    def trained() -> nn.Module:
        network = initial()
        load_weights(network, checkpoint)
        return network

    trained()
    return [Candidate(arm, INIT, config.seed, initial), Candidate(arm, TRAINED, config.seed, trained)]


def new_candidates(config: DictConfig) -> list[Candidate]:
    """Every chosen upsampler with every seed.

    Raises: `InputError` for an upsampler that does not exist, or a seed that is no number.
    """
    names = sorted(upsampler_options()) if config.upsamplers is None else [str(name) for name in config.upsamplers]
    check_upsamplers(names)
    seeds = list(config.seeds)
    if not seeds or not all(isinstance(seed, int) and 0 <= seed < 2**32 for seed in seeds):
        raise InputError("seeds cannot be used", expected="a list of whole numbers, such as [0,1,2]", got=seeds)

    def builder(name: str, seed: int) -> Callable[[], nn.Module]:
        def initial() -> nn.Module:
            torch.manual_seed(seed)
            return network_for(config, name)

        return initial

    return [Candidate(name, INIT, seed, builder(name, seed)) for name in names for seed in seeds]


def upsampler_options() -> list[str]:
    return [path.stem for path in (CONFIG_DIR / "upsampler").glob("*.yaml")]


def check_upsamplers(names: Sequence[str]) -> None:
    """Raises: `InputError` for a name that is no option of the group, or no name at all."""
    options = upsampler_options()
    for name in names:
        if name not in options:
            raise InputError(f"upsampler has no option {name!r}", fix=did_you_mean(name, options))
    if not names:
        raise InputError("which upsamplers?", expected="upsamplers=[NAME,NAME]", fix=did_you_mean("", options))


def network_for(config: DictConfig, upsampler_name: str, trusted: bool = True) -> nn.Module:
    """The network that `config.model` describes, with another upsampler."""
    model = config.model.copy()
    with open_dict(model):
        model.upsampler = OmegaConf.load(CONFIG_DIR / "upsampler" / f"{upsampler_name}.yaml")
    network: nn.Module = build(model, trusted=trusted)
    return network


def images_of(config: DictConfig, split: str, count: int, trusted: bool, advance: Callable[[], Any]) -> list[TestImage]:
    """The first `count` photographs of a split, as a network of this configuration gets them.

    Raises: `InputError` for a split without labels, or files that cannot be read.
    """
    cases = labelled_cases(build(config.data.source, trusted=trusted).splits(), split)[:count]
    preprocessor = load_preprocessor(config)
    images = []
    for case in cases:
        photograph = decode(case, preprocessor)
        region = torch.from_numpy(photograph.working.field_of_view)
        background = background_of(region, torch.from_numpy(photograph.working_label > 0))
        images.append(TestImage(case.name, photograph.working.tensor()[None], region, background))
        advance()
    return images


def open_runs(paths: Sequence[str], data_dir: str | None) -> tuple[list[RunDirectory], list[Candidate], list[str]]:
    """Runs that can be measured, their networks, and what is wrong with the others.

    Raises: `InputError`, naming all of them, where none can be measured.
    """
    runs, candidates, problems = [], [], []
    for path in dict.fromkeys(str(path) for path in paths):
        try:
            run = RunDirectory(path)
            if data_dir is not None:
                run.config.paths.data_dir = str(Path(data_dir).resolve())
            candidates += candidates_of_run(run)
            runs.append(run)
        except InputError as error:
            problems.append(f"{path}: {error}")
    if not runs:
        raise InputError("no run can be measured\n" + "\n".join(problems))
    return runs, candidates, problems
