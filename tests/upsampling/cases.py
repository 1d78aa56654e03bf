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
    """`reaches` is None where any size can be reached. `gain` is output over input variance for white noise.

    `constant_stays_constant` is about new weights, `constant_through_training` about any weights. `overlap` is the
    unevenness (max - min) / mean of the taps per output where every weight is one.
    """

    name: str
    parameters: Callable[[int, int], int]
    reaches: Callable[[int], list[int]] | None
    constant_stays_constant: bool
    constant_through_training: bool
    gain: float = 1.0
    overlap: float = 0.0

    @property
    def yaml(self) -> Path:
        return CONFIGS / f"{self.name}.yaml"

    @property
    def factory(self) -> UpsamplerFactory:
        return factory_from(self.yaml)

    def sizes(self, size: int) -> list[int]:
        return self.reaches(size) if self.reaches else [1, 2 * size - 1, 2 * size, 2 * size + 1, 3 * size + 2]


def doubles(size: int) -> list[int]:
    return [2 * size]


def doubles_or_one_more(size: int) -> list[int]:
    return [2 * size, 2 * size + 1]


# Weights keep the variance; interpolation does not: bilinear doubling mixes neighbours 3:1 along each axis.
BILINEAR_GAIN = (0.75**2 + 0.25**2) ** 2
BINOMIAL_GAIN = (0.25**2 + 0.5**2 + 0.25**2) ** 2

CASES = [
    UpsamplerCase(
        "bilinear_conv",
        parameters=lambda c_in, c_out: 9 * c_in * c_out + c_out,
        reaches=None,
        constant_stays_constant=True,
        constant_through_training=True,
        gain=BILINEAR_GAIN,
    ),
    UpsamplerCase(
        "bilinear_conv1x1",
        parameters=lambda c_in, c_out: c_in * c_out + c_out,
        reaches=None,
        constant_stays_constant=True,
        constant_through_training=True,
        gain=BILINEAR_GAIN,
    ),
    UpsamplerCase(
        "dysample",
        # besides the 1x1 mix, two coordinates for each of four sub-pixels
        parameters=lambda c_in, c_out: c_in * c_out + c_out + 8 * c_in + 8,
        reaches=doubles,
        constant_stays_constant=True,
        constant_through_training=True,
        gain=BILINEAR_GAIN,
    ),
    UpsamplerCase(
        "nearest_conv",
        parameters=lambda c_in, c_out: 9 * c_in * c_out + c_out,
        reaches=None,
        constant_stays_constant=True,
        constant_through_training=True,
    ),
    UpsamplerCase(
        "pixel_shuffle_icnr",
        parameters=lambda c_in, c_out: 4 * (9 * c_in * c_out + c_out),
        reaches=doubles,
        constant_stays_constant=True,
        constant_through_training=False,
    ),
    UpsamplerCase(
        "transposed_k2s2",
        parameters=lambda c_in, c_out: 4 * c_in * c_out + c_out,
        reaches=doubles_or_one_more,
        constant_stays_constant=False,
        constant_through_training=False,
    ),
    UpsamplerCase(
        "transposed_k3s2p1",
        parameters=lambda c_in, c_out: 9 * c_in * c_out + c_out,
        reaches=lambda size: [2 * size - 1, 2 * size],
        constant_stays_constant=False,
        constant_through_training=False,
        overlap=(4 - 1) / 2.25,
    ),
    UpsamplerCase(
        "transposed_k3s2p1_op1",
        parameters=lambda c_in, c_out: 9 * c_in * c_out + c_out,
        reaches=doubles,
        constant_stays_constant=False,
        constant_through_training=False,
        overlap=(4 - 1) / 2.25,
    ),
    UpsamplerCase(
        "transposed_k4s2p1",
        parameters=lambda c_in, c_out: 16 * c_in * c_out + c_out,
        reaches=doubles_or_one_more,
        constant_stays_constant=False,
        constant_through_training=False,
    ),
    UpsamplerCase(
        "transposed_k4s2p1_bilinear_init",
        parameters=lambda c_in, c_out: 16 * c_in * c_out + c_out,
        reaches=doubles_or_one_more,
        constant_stays_constant=True,
        constant_through_training=False,
        gain=BILINEAR_GAIN,
    ),
    UpsamplerCase(
        "transposed_k4s2p1_blur",
        parameters=lambda c_in, c_out: 16 * c_in * c_out + c_out,
        reaches=doubles_or_one_more,
        constant_stays_constant=True,
        constant_through_training=True,
        gain=BINOMIAL_GAIN,
    ),
    UpsamplerCase(
        "transposed_k4s2p1_equal_gain",
        parameters=lambda c_in, c_out: 16 * c_in * c_out + c_out,
        reaches=doubles_or_one_more,
        constant_stays_constant=True,
        constant_through_training=True,
    ),
]

every_upsampler = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
