"""Export the network of a run: its weights in one file, or a program that runs without this project."""

import importlib.util
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from omegaconf import DictConfig
from rich.console import Console
from torch import Tensor, nn

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import write_bytes
from fundus_unet.inference.onnx_runtime import OnnxNetwork
from fundus_unet.models.padding import crop_to, pad_to_multiple
from fundus_unet.runs.load import load_network
from fundus_unet.runs.model_facts import ModelFacts, facts_of
from fundus_unet.runs.model_file import read_model_file, write_model_file
from fundus_unet.runs.run_directory import RunDirectory

SUFFIXES = {"safetensors": ".safetensors", "onnx": ".onnx", "torch_export": ".pt2"}
ONNX_PACKAGES = ("onnx", "onnxscript", "onnxruntime")

Network = Callable[[Tensor], Tensor]


def export_from_config(config: DictConfig) -> Path:
    """Entry of `scripts/export.py`; returns the file.

    Raises:
        InputError: For settings that cannot be used, a file that exists, a run that is not finished, or a program
            that does not give the network's logits; nothing is written then.
    """
    if config.run_dir is None:
        raise InputError("which run?", expected="run_dir=RUN_DIRECTORY", fix="give the run that training printed")
    form, tolerance = _checked_format(config.format), _checked_tolerance(config.tolerance)
    run = RunDirectory(config.run_dir)
    path = _free_path(config.path, run, form, overwrite=config.overwrite is True)
    facts = facts_of(run, config.checkpoint)
    network = load_network(run.config.model, run.checkpoint(config.checkpoint))
    difference = export_network(network, facts, path, form, tolerance)
    console = Console()
    for line in (
        f"exported  {path} ({path.stat().st_size / 1e6:.2f} MB)",
        f"checked   its logits differ from the network's by at most {difference:.1e} (tolerance {tolerance:.1e})",
        f"use       {_usage(path, form, facts.size_multiple)}",
    ):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    return path


def export_network(network: nn.Module, facts: ModelFacts, path: Path, form: str, tolerance: float) -> float:
    """Write a file in the format `form`, once it was loaded back and compared with the network.

    Returns:
        The largest difference of the logits, over several sizes and batch sizes.

    Raises:
        InputError: Where it is above `tolerance`, or `path` cannot be written; nothing is written then.
    """
    network = network.cpu().float().eval()
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            draft = Path(folder) / path.name
            with _quiet():
                _WRITERS[form](draft, network, facts)
                difference = _largest_difference(
                    network, _LOADERS[form](draft, facts.size_multiple), facts.size_multiple
                )
            if not difference <= tolerance:
                raise InputError(
                    f"the exported network does not give the logits of the run's; {path} was not written",
                    expected=f"a difference of at most tolerance={tolerance:g}",
                    got=f"{difference:g}",
                    fix="allow more: tolerance=...; float32 logits differ by about 1e-5 between runtimes",
                )
            write_bytes(path, draft.read_bytes())
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error}",
            fix="choose another path=..., or make room there and in the temporary folder (TMPDIR)",
        ) from error
    return difference


def _write_onnx(path: Path, network: nn.Module, facts: ModelFacts) -> None:
    program = torch.onnx.export(
        network,
        (_example(facts.size_multiple),),
        dynamo=True,
        verbose=False,
        input_names=["image"],
        output_names=["logits"],
        dynamic_shapes={"image": _dynamic_shape(facts.size_multiple)},
    )
    assert program is not None
    program.model.metadata_props.update(facts.as_metadata())
    for node in program.model.graph:
        node.metadata_props.clear()  # traces, which name the folders of this machine
    program.save(path, external_data=False)


def _write_torch_export(path: Path, network: nn.Module, facts: ModelFacts) -> None:
    shapes = {"image": _dynamic_shape(facts.size_multiple)}
    program = torch.export.export(network, (_example(facts.size_multiple),), dynamic_shapes=shapes)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # names the folders of this machine
    torch.export.save(program, path, extra_files=facts.as_metadata())


def _load_onnx(path: Path, multiple: int) -> Network:
    return OnnxNetwork(path, threads=torch.get_num_threads())


def _load_torch_export(path: Path, multiple: int) -> Network:
    program = torch.export.load(path).module()

    def network(image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        return crop_to(program(pad_to_multiple(image, multiple)), (height, width))

    return network


_WRITERS = {"safetensors": write_model_file, "onnx": _write_onnx, "torch_export": _write_torch_export}
_LOADERS: dict[str, Callable[[Path, int], Network]] = {
    "safetensors": lambda path, multiple: read_model_file(path)[0],
    "onnx": _load_onnx,
    "torch_export": _load_torch_export,
}


def _example(multiple: int) -> Tensor:
    """Noise whose sides differ, so that export takes none for the other."""
    return torch.randn(2, 3, 6 * multiple, 8 * multiple, generator=torch.Generator().manual_seed(0))


def _dynamic_shape(multiple: int) -> dict[int, object]:
    """Any batch size, and sides that need no padding: export cannot follow how much a free size would get.

    From twice the multiple on, since export takes a side of one pixel, at the lowest resolution, for a special case.
    """
    dim = torch.export.Dim
    return {0: dim("batch", min=1), 2: multiple * dim("rows", min=2), 3: multiple * dim("columns", min=2)}


@torch.inference_mode()
def _largest_difference(network: Network, exported: Network, multiple: int) -> float:
    """Over the smallest size, batches, sides that need padding, and about the size of an image."""
    generator = torch.Generator().manual_seed(1)
    differences = []
    for batch, height, width in (
        (1, 2 * multiple, 2 * multiple),
        (3, 3 * multiple, 7 * multiple),
        (2, 5 * multiple - 1, 4 * multiple + 1),
        (1, max(256, 2 * multiple), max(320, 2 * multiple)),
    ):
        image = torch.randn(batch, 3, height, width, generator=generator)
        differences.append((exported(image) - network(image)).abs().max())
    return float(torch.stack(differences).max())  # NaN where any is


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' warnings, which concern what is checked here."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


def _checked_format(form: object) -> str:
    if form not in SUFFIXES:
        raise InputError(f"unknown format {form!r}", expected=list(SUFFIXES), fix=did_you_mean(str(form), SUFFIXES))
    missing = [name for name in ONNX_PACKAGES if form == "onnx" and importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            "the packages for format=onnx are not installed",
            expected=", ".join(ONNX_PACKAGES),
            got=f"no {', '.join(missing)}",
            fix="pip install 'fundus-unet[onnx]'",
        )
    return str(form)


def _checked_tolerance(tolerance: object) -> float:
    if not isinstance(tolerance, int | float) or isinstance(tolerance, bool) or not tolerance >= 0:
        raise InputError("tolerance cannot be used", expected="a number from 0 up", got=f"tolerance={tolerance}")
    return float(tolerance)


def _free_path(asked: object, run: RunDirectory, form: str, overwrite: bool) -> Path:
    suffix = SUFFIXES[form]
    path = Path(str(asked)).expanduser() if asked else run.place("export", f"model{suffix}")
    if path.suffix != suffix:
        raise InputError(
            f"{path} is no name for format={form}", expected=f"a name ending in {suffix}", fix="set path and format"
        )
    if path.exists() and not overwrite:
        raise InputError(f"{path} exists; it was not changed", fix="choose another path=..., or set overwrite=true")
    return path


def _usage(path: Path, form: str, multiple: int) -> str:
    if form == "torch_export":
        return (
            f'torch.export.load("{path}").module()(image), with sides that are multiples of {multiple}, '
            f"from {2 * multiple} up"
        )
    runtime = " runtime=onnx" if form == "onnx" else ""
    return f"python scripts/predict.py weights={path}{runtime} images=..."
