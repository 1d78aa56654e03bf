"""The network that new images are predicted with: from a run, from a file, or one that comes with the project."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import open_regular
from fundus_unet.core.invocation import command
from fundus_unet.core.project_files import project_folder
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.onnx_runtime import OnnxNetwork
from fundus_unet.inference.predictor import Predictor
from fundus_unet.inference.tiling import Tiling
from fundus_unet.metrics.masks import Hysteresis
from fundus_unet.runs.device import PRECISIONS, resolve_precision
from fundus_unet.runs.load import load_network
from fundus_unet.runs.model_facts import ModelFacts, facts_of
from fundus_unet.runs.model_file import read_model_file
from fundus_unet.runs.run_directory import RunDirectory

WEIGHTS_DIR = project_folder("weights")
OWN_WEIGHTS = "vessels"
RUNTIMES = ("torch", "onnx")
AUTO, FIELD_OF_VIEW, NATIVE = SCALES = ("auto", "field_of_view", "native")
CPU = torch.device("cpu")


@dataclass(frozen=True)
class TrainedModel:
    """A network with what is needed to use it. `fingerprint` tells two apart that share a name."""

    network: nn.Module
    facts: ModelFacts
    origin: str
    fingerprint: str

    @property
    def mask(self) -> str:
        """The kind of mask that is made where none is asked for, one of `masks.MASKS`."""
        return self.facts.mask

    @property
    def threshold(self) -> float:
        """Of the mask: the best on validation, unless export was given another."""
        return self.facts.threshold

    @property
    def hysteresis(self) -> Hysteresis | None:
        """Of the mask: likewise; None of runs and files of before."""
        return self.facts.masks.hysteresis

    @property
    def vessel_from(self) -> float:
        """As `VesselScale.vessel_from`."""
        return self.facts.vessel_from

    def vessel_calibre(self, scale: str | float) -> float | None:
        """Of new images, as `VesselScale.calibre`, where the scale is `auto`; None: no vessels are measured."""
        return self.facts.vessel_calibre if scale == AUTO else None

    def predictor(self, device: torch.device, precision: str, tile: int | None, tta: str) -> Predictor:
        """What predicts whole images.

        Args:
            precision: As the setting `precision`; `auto` is bf16 where the hardware is fast at it.
            tile: Side in working pixels above which an image is predicted in tiles; None: never.
            tta: Test-time augmentation.

        Raises:
            InputError: For a tile that is too small, or an unknown augmentation.
        """
        tiling = Tiling.of(tile, self.facts.size_multiple, self.facts.context) if tile else None
        autocast = PRECISIONS[resolve_precision(precision, device.type)]
        return Predictor(self.network, device, autocast, tiling=tiling, symmetries=tta)

    def preprocessor(self, scale: str | float) -> Preprocessor:
        """What brings new images to the working resolution: training's (`auto`, `field_of_view`), or another scale.

        With `auto`, where there is a `vessel_calibre`, it is that of the first look.
        """
        if scale in (AUTO, FIELD_OF_VIEW):
            return Preprocessor(self.facts.scale, self.facts.fov_diameter)
        return Preprocessor(scale=1.0 if scale == NATIVE else float(scale))


def load_trained(
    run_dir: str | None, weights: str | None = None, runtime: str = "torch", device: torch.device = CPU
) -> TrainedModel:
    """The model of `run_dir` or `weights`; of neither: the one that comes with the project.

    Args:
        run_dir: A run directory of a finished training, whose best checkpoint is taken.
        weights: A name in weights/, or a file that export made, or a run directory.
        runtime: `torch`; or `onnx`, which takes as many threads as torch, for a file of that format.
        device: Where ONNX Runtime works; a torch network is moved by its user.

    Raises:
        InputError: For both, an unknown name, a file that cannot be used, or an unfinished run. No code from a file
            is executed.
    """
    if run_dir is not None and weights is not None:
        raise InputError("two networks are named", expected="run_dir or weights", got=f"{run_dir} and {weights}")
    if runtime not in RUNTIMES:
        raise InputError(f"unknown runtime {runtime!r}", expected=RUNTIMES, fix=did_you_mean(str(runtime), RUNTIMES))
    if weights is not None and is_run(weights):
        run_dir = weights
    if run_dir is not None:
        run = RunDirectory(run_dir)
        if runtime == "torch":
            return _of_run(run)
        path = run.path / "export" / "model.onnx"
        if not path.is_file():
            raise InputError(
                f"the run {run.path} was not exported to ONNX",
                expected=str(path),
                fix=command("export", f"run_dir={run.path}", "format=onnx"),
            )
        return _of_onnx(path, device)
    path = weights_file(weights or OWN_WEIGHTS)
    if (path.suffix == ".onnx") != (runtime == "onnx"):
        raise InputError(
            f"{path} is not for runtime={runtime}",
            expected="a .safetensors file for torch, an .onnx file for onnx (fundus-unet export makes both)",
            fix=f"set runtime={'onnx' if path.suffix == '.onnx' else 'torch'}",
        )
    return _of_onnx(path, device) if runtime == "onnx" else _of_file(path)


def is_run(weights: str) -> bool:
    """Whether weights are a folder, which can only be a run's, and not those of that name in weights/."""
    return not has_own(weights) and Path(weights).expanduser().is_dir()


def has_own(name: str) -> bool:
    """Whether weights of that name come with the project."""
    return name in own_names()


def own_names() -> list[str]:
    """The names of the weights that come with the project."""
    return sorted(folder.parent.name for folder in WEIGHTS_DIR.glob("*/model.safetensors"))


def weights_file(name: str) -> Path:
    """A file's path as it is, or the file of weights that come with the project.

    Raises:
        InputError: Where there is neither.
    """
    if Path(name).suffix in (".safetensors", ".onnx"):
        return Path(name).expanduser()
    path = WEIGHTS_DIR / name / "model.safetensors"
    if not path.is_file():
        names = own_names()
        raise InputError(
            f"there are no weights called {name!r}",
            expected=f"{' or '.join(names) or 'none is there'}; or a file of fundus-unet export (.safetensors, .onnx)",
            fix=did_you_mean(name, names),
        )
    return path


def is_own(weights: str) -> bool:
    """Whether weights come with the project, so that they were trained as their README says."""
    return weights_file(weights).parent.parent == WEIGHTS_DIR


def _of_run(run: RunDirectory) -> TrainedModel:
    facts = facts_of(run)
    network = load_network(run.config.model, run.checkpoint("best"))
    return TrainedModel(network, facts, run.path.name, fingerprint_of(network))


def _of_file(path: Path) -> TrainedModel:
    network, facts = read_model_file(path)
    return TrainedModel(network, facts, _name(path), fingerprint_of(network))


def _of_onnx(path: Path, device: torch.device) -> TrainedModel:
    try:
        with open_regular(path) as file:
            fingerprint = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", expected="an .onnx file of fundus-unet export"
        ) from error
    network = OnnxNetwork(path, device=device.type, threads=torch.get_num_threads())
    facts = ModelFacts.from_metadata(network.metadata, path)
    return TrainedModel(network, facts, _name(path), fingerprint)


def _name(path: Path) -> str:
    return path.parent.name if is_own(str(path)) else path.name


def fingerprint_of(network: nn.Module) -> str:
    """What tells a network's weights from all others: 16 hexadecimal digits."""
    found = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        found.update(name.encode() + tensor.cpu().float().numpy().tobytes())
    return found.hexdigest()[:16]
