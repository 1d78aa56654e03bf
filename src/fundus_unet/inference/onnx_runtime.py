"""A network exported to ONNX, executed by ONNX Runtime."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.models.image_check import check_image
from fundus_unet.models.network import LARGEST_MULTIPLE, SegmentationNetwork
from fundus_unet.models.padding import crop_to, pad_to_multiple

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


class OnnxNetwork(SegmentationNetwork):
    """Takes the place of the PyTorch network: images of any size in, logits out.

    An ONNX file is data, not code: it names operators that ONNX Runtime has, and libraries of other operators are never
    loaded. The file is read whole, so it cannot refer to files beside it.

    Args:
        `device` is `cpu` or `cuda`; `threads` is how many the operators share on a CPU, None for ONNX Runtime's
        choice. `metadata` and `size_multiple` are what export wrote into the file.

    Shapes:
        (B, 3, H, W) -> float32 (B, 1, H, W) on the image's device, H and W from 1 up.

    Raises:
        InputError: For a file that is missing, damaged or not of this project, where ONNX Runtime is not installed
            or has no such device, or an image of other channels.
    """

    def __init__(self, path: Path, device: str = "cpu", threads: int | None = None) -> None:
        super().__init__()
        if not path.is_file():
            raise InputError(f"there is no file {path}", expected="an .onnx file that fundus-unet export wrote")
        self._session = _session(path, device, threads)
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.size_multiple = _size_multiple(self.metadata, path)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if [value.name for value in (*inputs, *outputs)] != ["image", "logits"] or len(inputs[0].shape) != 4:
            raise _foreign(path, f"inputs {[one.name for one in inputs]}, outputs {[one.name for one in outputs]}")
        self.in_channels = inputs[0].shape[1]

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.in_channels)
        padded = pad_to_multiple(image.detach().float(), self.size_multiple).cpu().contiguous()
        (logits,) = self._session.run(["logits"], {"image": padded.numpy()})
        height, width = image.shape[-2:]
        return crop_to(torch.from_numpy(logits), (height, width)).to(image.device)


def _session(path: Path, device: str, threads: int | None) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError("ONNX Runtime is not installed", fix="pip install 'fundus-unet[onnx]'") from error
    if device not in PROVIDERS:
        raise InputError(f"unknown device {device!r}", expected=list(PROVIDERS), fix=did_you_mean(device, PROVIDERS))
    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise _without(provider, onnxruntime.get_available_providers())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors are raised, too
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=[provider])
    except Exception as error:  # ONNX Runtime's errors have no common class
        raise InputError(
            f"{path} is damaged or no ONNX file",
            expected="an .onnx file that fundus-unet export wrote",
            got=str(error).split("\n")[0],
            fix="copy it again, or export the run again",
        ) from error
    if session.get_providers()[0] != provider:  # it was listed, but its libraries cannot be loaded
        raise _without(provider, session.get_providers())
    return session


def _without(provider: str, others: list[str]) -> InputError:
    return InputError(
        f"ONNX Runtime cannot use {provider} here",
        expected="the package onnxruntime-gpu in place of onnxruntime, and the CUDA libraries it was built for",
        got=", ".join(others),
        fix="set device=cpu",
    )


def _size_multiple(metadata: dict[str, str], path: Path) -> int:
    try:
        size_multiple = json.loads(metadata["fundus_unet"])["size_multiple"]
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise _foreign(path, f"metadata {', '.join(sorted(metadata)) or 'none'}") from error
    if not isinstance(size_multiple, int) or not 1 <= size_multiple <= LARGEST_MULTIPLE:
        raise _foreign(path, f"size_multiple={size_multiple!r:.200}")
    return size_multiple


def _foreign(path: Path, got: str) -> InputError:
    return InputError(
        f"{path} is no network of this project",
        expected="an .onnx file that fundus-unet export wrote, with its metadata",
        got=got,
        fix="export the run: fundus-unet export run_dir=RUN format=onnx",
    )
