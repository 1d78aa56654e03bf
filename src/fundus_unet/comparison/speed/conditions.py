"""What is measured, and under which conditions."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

LEVELS = ("layer", "network")
MODES = ("training", "inference")
DTYPES = {"float32": None, "bfloat16": torch.bfloat16}
"""The dtype of autocast; None is float32 throughout. Weights stay float32, as in training and prediction."""
MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Conditions:
    """One set of conditions, the same for every upsampler.

    Args:
        level: One of `LEVELS`: the upsampling layer alone, at each stage of the decoder, or the whole network.
        mode: One of `MODES`.
        dtype: One of `DTYPES`.
        memory_format: One of `MEMORY_FORMATS`.
        compiled: By `torch.compile`.
        image_size: The height and width of the network's input at either level.
    """

    level: str
    mode: str
    device: str
    dtype: str
    memory_format: str
    compiled: bool
    batch_size: int
    image_size: tuple[int, int]

    @property
    def training(self) -> bool:
        """Whether gradients are computed."""
        return self.mode == "training"

    @property
    def layout(self) -> torch.memory_format:
        """The memory format of weights and inputs."""
        return MEMORY_FORMATS[self.memory_format]

    def autocast(self) -> AbstractContextManager[Any]:
        """What a step runs in."""
        dtype = DTYPES[self.dtype]
        return torch.autocast(self.device, dtype) if dtype else nullcontext()

    def describe(self) -> str:
        """In words, for titles."""
        height, width = self.image_size
        how = "compiled" if self.compiled else "eager"
        images = f"{self.batch_size} x {height} x {width}"
        return f"{self.level} {self.mode}, {self.device} {self.dtype} {self.memory_format} {how}, {images}"
