"""What is measured, and under which conditions."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from fundus_unet.core.errors import InputError, did_you_mean

LEVELS = ("layer", "network")
MODES = ("training", "inference")
DEVICES = ("cpu", "cuda")
DTYPES = {"float32": None, "bfloat16": torch.bfloat16}
"""The dtype of autocast; None is float32 throughout. Weights stay float32, as in training and prediction."""
MEMORY_FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}


@dataclass(frozen=True)
class Setting:
    """One set of conditions, the same for every upsampler.

    Args:
        level: The upsampling layer alone, at each stage of the decoder, or the whole network.
        image_size: The height and width of the network's input at either level.
        compiled: `torch.compile`.

    Raises:
        InputError: For an unknown name, or a number below one.
    """

    level: str
    mode: str
    device: str
    dtype: str
    memory_format: str
    compiled: bool
    batch_size: int
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        check_choice(self.level, "levels", LEVELS)
        check_choice(self.mode, "modes", MODES)
        check_choice(self.device, "devices", DEVICES)
        check_choice(self.dtype, "dtypes", tuple(DTYPES))
        check_choice(self.memory_format, "memory_formats", tuple(MEMORY_FORMATS))
        if not isinstance(self.compiled, bool):
            raise InputError("compile cannot be used", expected="true, false or both", got=f"compile={self.compiled}")
        check_integer(self.batch_size, "batch_sizes")
        for side in self.image_size:
            check_integer(side, "image_size")

    @property
    def training(self) -> bool:
        return self.mode == "training"

    @property
    def layout(self) -> torch.memory_format:
        return MEMORY_FORMATS[self.memory_format]

    def autocast(self) -> AbstractContextManager[Any]:
        dtype = DTYPES[self.dtype]
        return torch.autocast(self.device, dtype) if dtype else nullcontext()

    def describe(self) -> str:
        height, width = self.image_size
        how = "compiled" if self.compiled else "eager"
        images = f"{self.batch_size} x {height} x {width}"
        return f"{self.level} {self.mode}, {self.device} {self.dtype} {self.memory_format} {how}, {images}"


def check_choice(value: object, key: str, options: tuple[str, ...]) -> None:
    if value not in options:
        raise InputError(f"{key} has no {value!r}", expected=options, fix=did_you_mean(str(value), options))


def check_integer(value: object, key: str, least: int = 1) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{key} cannot be used", expected=f"an integer >= {least}", got=f"{key}={value}")
