"""The settings of a prediction, checked."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.tiling import Tiling
from fundus_unet.runs.model_facts import ModelFacts
from fundus_unet.runs.trained_model import TrainedModel

_WHOLE_NUMBERS = ("devices", "read_threads", "write_threads", "batch_size", "tile")
_OPTIONAL = ("read_threads", "write_threads", "batch_size", "tile")


@dataclass(frozen=True)
class Settings:
    """What `configs/predict.yaml` holds beside the model and the images.

    Raises:
        InputError: From `of` for a value out of range.
    """

    out_dir: Path
    scale: str | float
    threshold: str | float
    tta: str
    tile: int | None
    devices: int
    batch_size: int | None
    read_threads: int | None
    write_threads: int | None
    megapixels_in_memory: float

    @classmethod
    def of(cls, config: DictConfig) -> "Settings":
        for key in _WHOLE_NUMBERS:
            value = config[key]
            if not (value is None and key in _OPTIONAL) and (not isinstance(value, int) or value < 1):
                allowed = "an integer of at least 1" + (", or null" if key in _OPTIONAL else "")
                raise InputError(f"{key} cannot be used", expected=allowed, got=f"{key}={value}")
        _check(config, "scale", ("auto", "native"), lambda value: value > 0, "a number above 0")
        _check(config, "threshold", ("validation",), lambda value: 0 <= value <= 1, "a number from 0 to 1")
        _check(config, "megapixels_in_memory", (), lambda value: value > 0, "a number above 0")
        if not config.out_dir:
            raise InputError("where shall the outputs go?", expected="out_dir=FOLDER", got=f"out_dir={config.out_dir}")
        values = {key: config[key] for key in cls.__annotations__ if key != "out_dir"}
        return cls(out_dir=Path(str(config.out_dir)).expanduser(), **values)

    def threshold_of(self, facts: ModelFacts) -> float:
        return facts.threshold if isinstance(self.threshold, str) else float(self.threshold)

    def preprocessor(self, facts: ModelFacts) -> Preprocessor:
        if self.scale == "auto":
            return Preprocessor(facts.scale, facts.fov_diameter)
        return Preprocessor(scale=1.0 if isinstance(self.scale, str) else self.scale)

    def tiling(self, facts: ModelFacts) -> Tiling | None:
        """Raise `InputError` for tiles too small for the network."""
        return Tiling.of(self.tile, facts.size_multiple, facts.context) if self.tile else None

    def identity(self, model: TrainedModel, bits: int) -> dict[str, Any]:
        """What decides the outputs: two predictions that agree in this can share a folder."""
        return {
            "model": model.origin,
            "weights": model.fingerprint,
            "threshold": self.threshold_of(model.facts),
            "scale": self.scale,
            "tta": self.tta,
            "tile": self.tile,
            "probability_bits": bits,
        }

    def threads(self) -> tuple[int, int]:
        """How many read and how many write, in each process."""
        read_threads = self.read_threads or max(1, min(8, (os.cpu_count() or 1) // self.devices))
        return read_threads, self.write_threads or max(1, read_threads // 2)

    def share_cores(self) -> None:
        """Divide the processor's cores among this machine's processes."""
        if self.devices > 1:
            torch.set_num_threads(max(1, (os.cpu_count() or 1) // self.devices))


def _check(config: DictConfig, key: str, words: tuple[str, ...], fits: Any, expected: str) -> None:
    value = config[key]
    if value in words or (isinstance(value, int | float) and not isinstance(value, bool) and fits(value)):
        return
    raise InputError(f"{key} cannot be used", expected=" or ".join((*words, expected)), got=f"{key}={value}")
