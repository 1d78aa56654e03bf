"""What a run directory keeps of the weights that its run began with, so that it never has to look for them again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safetensors.torch import save
from torch import Tensor

START = "start.safetensors"


@dataclass(frozen=True)
class KeptStart:
    """For the run directory.

    Args:
        facts: Where the weights came from, for run.json.
        weights: By name.
    """

    facts: Mapping[str, Any]
    weights: Mapping[str, Tensor]

    def file(self) -> bytes:
        """The content of `start.safetensors`."""
        return save({name: value.detach().cpu().contiguous() for name, value in self.weights.items()})
