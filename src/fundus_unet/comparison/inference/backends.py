"""The ways to execute a trained network that are compared, each as something that predicts whole images."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fundus_unet.comparison.inference.openvino_network import OpenVinoNetwork
from fundus_unet.comparison.inference.program import Program
from fundus_unet.comparison.speed.conditions import DTYPES
from fundus_unet.core.errors import InputError
from fundus_unet.core.freed_memory import keep_freed_memory, return_freed_memory
from fundus_unet.inference.folding import folded
from fundus_unet.inference.onnx_runtime import OnnxNetwork
from fundus_unet.inference.predictor import Predictor

REFERENCE = "eager float32"
"""PyTorch as it comes: contiguous, unfolded, memory given back to the system."""
PROJECT = ("folded float32", "folded bfloat16")
"""What predict does, at each of its precisions."""
INT8 = "int8"


class _Hidden(nn.Module):
    """A way to execute a network, out of the sight of what would fold it or move it."""

    def __init__(self, forward: Callable[[Tensor], Tensor], size_multiple: int) -> None:
        super().__init__()
        self.size_multiple = size_multiple
        self._forward = (forward,)

    def forward(self, image: Tensor) -> Tensor:
        return self._forward[0](image)


@dataclass(frozen=True)
class Backend:
    """One way.

    Args:
        dtype: Of matrix products and convolutions: a key of `DTYPES`, or `int8`.
        packages: That have to be installed.
        keeps_memory: Whether freed memory stays with the process, as in predict.
    """

    name: str
    dtype: str
    make: Callable[[Program, torch.device], Predictor]
    packages: tuple[str, ...] = ()
    keeps_memory: bool = True

    def predictor(self, program: Program, device: torch.device) -> Predictor:
        """Ready to predict.

        Raises:
            InputError: Where a package is not installed, or there is nothing to calibrate int8 with.
        """
        missing = [name for name in self.packages if importlib.util.find_spec(name) is None]
        if missing:
            raise InputError(f"not installed: {', '.join(missing)}", fix=f"pip install {' '.join(missing)}")
        return self.make(program, device)

    def set_memory(self) -> None:
        """What this way does with freed memory; told before each use, as it holds for the whole process."""
        (keep_freed_memory if self.keeps_memory else return_freed_memory)()


def _eager(program: Program, device: torch.device) -> Predictor:
    network = program.copy_of_network().to(device)
    return _hidden(program, device, lambda image: network(image.contiguous()))


def _channels_last(dtype: str) -> Callable[[Program, torch.device], Predictor]:
    def make(program: Program, device: torch.device) -> Predictor:
        network = program.copy_of_network().to(device).to(memory_format=torch.channels_last)
        return _hidden(program, device, network, DTYPES[dtype])

    return make


def _folded(dtype: str) -> Callable[[Program, torch.device], Predictor]:
    return lambda program, device: Predictor(program.network, device, DTYPES[dtype], tiling=program.tiling)


def _compiled(dtype: str) -> Callable[[Program, torch.device], Predictor]:
    def make(program: Program, device: torch.device) -> Predictor:
        network = folded(program.network).to(device).to(memory_format=torch.channels_last)
        # a whole graph or an error: a part that silently stays eager would be measured as compiled
        return _hidden(program, device, torch.compile(network, fullgraph=True), DTYPES[dtype])

    return make


def _onnx(program: Program, device: torch.device) -> Predictor:
    network = OnnxNetwork(program.onnx(), device=device.type, threads=torch.get_num_threads())
    return _hidden(program, device, network)


def _openvino(dtype: str) -> Callable[[Program, torch.device], Predictor]:
    def make(program: Program, device: torch.device) -> Predictor:
        if device.type != "cpu":
            raise InputError("OpenVINO is measured on the CPU alone")
        path = program.int8() if dtype == INT8 else program.onnx()
        network = OpenVinoNetwork(path, dtype, program.size_multiple, torch.get_num_threads())
        return _hidden(program, device, network)

    return make


def _hidden(
    program: Program, device: torch.device, forward: Callable[[Tensor], Tensor], autocast: torch.dtype | None = None
) -> Predictor:
    return Predictor(_Hidden(forward, program.size_multiple), device, autocast, tiling=program.tiling)


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend(REFERENCE, "float32", _eager, keeps_memory=False),
        Backend("channels_last float32", "float32", _channels_last("float32"), keeps_memory=False),
        Backend("channels_last bfloat16", "bfloat16", _channels_last("bfloat16"), keeps_memory=False),
        Backend("folded float32", "float32", _folded("float32")),
        Backend("folded bfloat16", "bfloat16", _folded("bfloat16")),
        Backend("compiled float32", "float32", _compiled("float32")),
        Backend("compiled bfloat16", "bfloat16", _compiled("bfloat16")),
        Backend("onnxruntime float32", "float32", _onnx, ("onnx", "onnxscript", "onnxruntime")),
        Backend("openvino float32", "float32", _openvino("float32"), ("onnx", "onnxscript", "openvino")),
        Backend("openvino bfloat16", "bfloat16", _openvino("bfloat16"), ("onnx", "onnxscript", "openvino")),
        Backend("openvino int8", INT8, _openvino(INT8), ("onnx", "onnxscript", "openvino", "nncf")),
    )
}
"""By name, in the order of the tables."""
