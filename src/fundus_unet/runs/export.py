"""A network as a file: its weights and facts, or a program that runs without this project."""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_bytes
from fundus_unet.inference.onnx_runtime import OnnxNetwork
from fundus_unet.models.padding import crop_to, pad_to_multiple
from fundus_unet.runs.model_facts import ModelFacts
from fundus_unet.runs.model_file import FLOAT32, read_model_file, write_model_file

SAFETENSORS = "safetensors"
SUFFIXES = {SAFETENSORS: ".safetensors", "onnx": ".onnx", "torch_export": ".pt2"}

Network = Callable[[Tensor], Tensor]


def export_network(
    network: nn.Module, facts: ModelFacts, path: Path, form: str, tolerance: float, dtype: str = FLOAT32
) -> float:
    """Write a file in the format `form`, once it was loaded back and compared with the network.

    Args:
        dtype: Of the kernels in a safetensors file, as `write_model_file`.

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
                if form == SAFETENSORS:
                    write_model_file(draft, network, facts, dtype)
                else:
                    _WRITERS[form](draft, network, facts)
                difference = _largest_difference(
                    network, _LOADERS[form](draft, facts.size_multiple), facts.size_multiple
                )
            if not difference <= tolerance:
                raise InputError(
                    f"the exported network does not give the logits of the run's; {path} was not written",
                    expected=f"a difference of at most tolerance={tolerance:g}",
                    got=f"{difference:g}",
                    fix="allow more: tolerance=...; float32 logits differ by about 1e-5 between runtimes, and by about "
                    "1e-2 where weights are written in half precision (dtype=float16)",
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


_WRITERS = {"onnx": _write_onnx, "torch_export": _write_torch_export}
_LOADERS: dict[str, Callable[[Path, int], Network]] = {
    SAFETENSORS: lambda path, multiple: read_model_file(path)[0],
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
