"""The trained network that is executed, and the files that other runtimes need of it."""

import contextlib
import copy
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.inference.tiling import Tiling
from fundus_unet.models.padding import pad_to_multiple
from fundus_unet.runs.export import export_network
from fundus_unet.runs.model_facts import ModelFacts

TOLERANCE = 1e-2
"""Of the export; how far probabilities differ is measured anyway."""


@dataclass(frozen=True)
class Program:
    """A trained network on the CPU; files are made once, in `folder`, where a backend asks for them.

    Args:
        tiling: How images larger than a tile are cut; None: never.
        calibration: Images as the network sees them, (1, 3, H, W), from which int8 takes its ranges.
    """

    network: nn.Module
    facts: ModelFacts
    tiling: Tiling | None
    folder: Path
    calibration: Sequence[Tensor] = ()

    @property
    def size_multiple(self) -> int:
        """What sides are padded to."""
        return self.facts.size_multiple

    def copy_of_network(self) -> nn.Module:
        """To be moved, in evaluation mode."""
        return copy.deepcopy(self.network).eval()

    def onnx(self) -> Path:
        """The network as an ONNX file."""
        path = self.folder / "model.onnx"
        if not path.is_file():
            export_network(self.copy_of_network(), self.facts, path, "onnx", TOLERANCE)
        return path

    def int8(self) -> Path:
        """Quantized to int8 for OpenVINO, weights by channel and feature maps by layer.

        Raises:
            InputError: Without images to calibrate with.
        """
        path = self.folder / "int8.xml"
        if path.is_file():
            return path
        if not self.calibration:
            raise InputError("int8 is calibrated with training images", fix="name a set that is there: data=chasedb1")
        import nncf
        import openvino

        logging.getLogger("nncf").setLevel(logging.ERROR)
        images = [pad_to_multiple(image, self.size_multiple).contiguous().numpy() for image in self.calibration]
        with contextlib.redirect_stdout(io.StringIO()):  # its bars would break those of the comparison
            quantized = nncf.quantize(
                openvino.Core().read_model(self.onnx()), nncf.Dataset(images), subset_size=len(images)
            )
        openvino.save_model(quantized, path)
        return path

    @torch.inference_mode()
    def flops_per_pixel(self) -> float:
        """Of the network alone, without what tiles compute twice."""
        from fundus_unet.core.counting import count_flops

        side, network = 8 * self.size_multiple, self.copy_of_network()
        return count_flops(lambda: network(torch.zeros(1, 3, side, side))) / side**2
