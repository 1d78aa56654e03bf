"""The weights of another network that a new run begins with; optimizer and schedule begin anew.

They are read once, when the run is made, which keeps them: a run that is continued looks for them nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.invocation import command, setting
from fundus_unet.runs.ancestry import Ancestor, Inherited
from fundus_unet.runs.learned_images import inherited_from
from fundus_unet.runs.load import fill, load_network
from fundus_unet.runs.run_directory import CONFIG, RunDirectory, plain
from fundus_unet.runs.run_name import upsampler_name
from fundus_unet.runs.safetensors_file import read_tensors
from fundus_unet.runs.start_file import KeptStart
from fundus_unet.runs.trained_model import TrainedModel, fingerprint_of, has_own, load_trained, own_names

EXPECTED = "a run directory, a .safetensors file of fundus-unet export, or a name in weights/"
KEY = "start_from"


@dataclass(frozen=True)
class StartWeights:
    """Weights, and what is known of them.

    Args:
        place: A name in weights/, or an absolute path.
        path: The file that they were read from.
        model: The configuration of their network, as plain values.
        choices: The options that it was made from, by group, as far as they are known; of the upsampler with what was
            changed of it.
        inherited: What a run takes over that begins with them.
        is_final: Whether their training has ended.
    """

    place: str
    path: Path
    weights: Mapping[str, Tensor]
    model: Mapping[str, Any]
    choices: Mapping[str, str]
    fingerprint: str
    inherited: Inherited
    is_final: bool = True

    def give(self, network: nn.Module) -> None:
        """Fill a network; raises `InputError` where it is of another architecture."""
        fill(network, self.weights, self.path)

    def kept(self) -> KeptStart:
        """What the run directory keeps."""
        return KeptStart({"weights": self.place, "fingerprint": self.fingerprint}, self.weights)


def located(given: str) -> str:
    """What `start_from` names, so that it is the same from any working directory."""
    is_name = has_own(given) or (Path(given).name == given and not Path(given).suffix and not Path(given).exists())
    return given if is_name else str(Path(given).expanduser().resolve())


def read_start(given: str) -> StartWeights:
    """Read the weights that `start_from` names: the best checkpoint of a run, or a file. No code from it is run.

    Raises:
        InputError: Where there are none, or they cannot be used, or the record of what they learned from is damaged.
    """
    place = located(given)
    path = Path(place)
    try:
        if not has_own(place) and path.is_dir():
            return _of_run(RunDirectory(path), place)
        if not has_own(place):
            _check_is_model_file(path, place)
        return _of_file(load_trained(None, place), place)
    except InputError as error:
        raise InputError(
            f"{KEY}: {error.problem}",
            expected=error.expected or EXPECTED,
            got=error.got,
            fix=error.fix,
        ) from error


def fill_from_kept(network: nn.Module, path: Path) -> None:
    """Give a network the weights that its run began with, and keeps in the file `path`.

    Raises:
        InputError: Where the file is missing, damaged, or of another architecture.
    """
    anew = f"start a new run, or remove {path.parent} to start it again"
    if not path.exists():
        raise InputError(
            "there is no epoch to continue from, and the weights that the run began with are gone",
            expected=str(path),
            fix=anew,
        )
    fill(network, read_tensors(path, "the file that training wrote", anew)[1], path)


def _of_run(run: RunDirectory, place: str) -> StartWeights:
    path = run.checkpoint("best")
    network = load_network(run.config.model, path)
    choices = run.choices | {"upsampler": upsampler_name(run.choices, run.overrides)}
    fingerprint = fingerprint_of(network)
    return StartWeights(
        place,
        path,
        network.state_dict(),
        plain(run.config.model),
        {group: str(name) for group, name in choices.items() if name is not None},
        fingerprint,
        inherited_from(run, fingerprint),
        run.finished,
    )


def _of_file(model: TrainedModel, place: str) -> StartWeights:
    """A file tells of its network and of all it descends from whether the images are known, not of each by itself."""
    facts, trained_on = model.facts, model.facts.trained_on
    recorded = trained_on.images is not None
    before = [one if recorded else one.model_copy(update={"recorded": False}) for one in trained_on.began_with or ()]
    own = Ancestor(weights=model.origin, data=trained_on.data, fingerprint=model.fingerprint, recorded=recorded)
    return StartWeights(
        place,
        Path(place),
        model.network.state_dict(),
        facts.model,
        {} if facts.upsampler is None else {"upsampler": facts.upsampler},
        model.fingerprint,
        Inherited(frozenset(trained_on.images or ()), ancestors=(*before, own)),
    )


def _check_is_model_file(path: Path, place: str) -> None:
    if path.is_file() and path.suffix == ".safetensors":
        return
    run = path.parent.parent
    if path.suffix == ".ckpt" and (run / CONFIG).is_file():
        raise InputError(
            f"{path} is a checkpoint of a run", expected=EXPECTED, fix=f"name the run: {setting(KEY, run)}"
        )
    if path.exists():
        raise InputError(
            f"{path} is no file of weights that can be trained on",
            expected=EXPECTED,
            fix=f"export the run that it came from: {command('export', 'run_dir=RUN_DIRECTORY')}",
        )
    if Path(place).is_absolute():
        raise InputError(f"there is no {place}", expected=EXPECTED, fix="give the run that training printed")
    raise InputError(f"there are no weights called {place!r}", expected=EXPECTED, fix=did_you_mean(place, own_names()))
