"""One row per option in `configs/upsampler`, built from its YAML: the YAML itself is under test."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from fundus_unet.upsampling.upsampler import UpsamplerFactory

CONFIGS = Path(__file__).parents[2] / "configs" / "upsampler"


def factory_from(yaml: Path) -> UpsamplerFactory:
    return instantiate(OmegaConf.load(yaml))


@dataclass(frozen=True)
class UpsamplerCase:
    """`reaches` is None where any size can be reached. `gain` is output over input variance for white noise."""

    name: str
    parameters: Callable[[int, int], int]
    reaches: Callable[[int], list[int]] | None
    constant_stays_constant: bool
    gain: float = 1.0

    @property
    def factory(self) -> UpsamplerFactory:
        return factory_from(CONFIGS / f"{self.name}.yaml")

    def sizes(self, size: int) -> list[int]:
        return self.reaches(size) if self.reaches else [1, 2 * size - 1, 2 * size, 2 * size + 1, 3 * size + 2]


CASES = [
    UpsamplerCase(
        "bilinear_conv",
        parameters=lambda c_in, c_out: 9 * c_in * c_out + c_out,
        reaches=None,
        constant_stays_constant=True,
        # The weights keep the variance; before them, bilinear doubling mixes neighbours 3:1 along each axis.
        gain=(0.75**2 + 0.25**2) ** 2,
    ),
    UpsamplerCase(
        "transposed_k3s2p1",
        parameters=lambda c_in, c_out: 9 * c_in * c_out + c_out,
        reaches=lambda size: [2 * size - 1, 2 * size],
        constant_stays_constant=False,
    ),
    UpsamplerCase(
        "transposed_k4s2p1",
        parameters=lambda c_in, c_out: 16 * c_in * c_out + c_out,
        reaches=lambda size: [2 * size, 2 * size + 1],
        constant_stays_constant=False,
    ),
]

every_upsampler = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
