"""A network executed by OpenVINO, to be compared with the project's own way."""

from pathlib import Path

import torch
from torch import Tensor, nn

from fundus_unet.models.padding import crop_to, pad_to_multiple

HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}
"""OpenVINO's names of what is computed with; int8 is written in the file, and the rest of it is float32."""


class OpenVinoNetwork(nn.Module):
    """Images of any size in, logits out, on the CPU.

    Args:
        path: An ONNX file, or OpenVINO's own `.xml`.
        dtype: A key of `HINTS`.

    Shapes:
        (B, 3, H, W) -> float32 (B, 1, H, W).
    """

    def __init__(self, path: Path, dtype: str, size_multiple: int, threads: int) -> None:
        super().__init__()
        import openvino

        self.size_multiple = size_multiple
        settings = {
            "INFERENCE_PRECISION_HINT": HINTS[dtype],
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._request = openvino.compile_model(str(path), "CPU", settings).create_infer_request()

    def forward(self, image: Tensor) -> Tensor:
        padded = pad_to_multiple(image, self.size_multiple).contiguous().numpy()
        self._request.infer([padded], share_inputs=True)
        logits = torch.from_numpy(self._request.get_output_tensor(0).data.copy())
        return crop_to(logits, (image.shape[-2], image.shape[-1]))
