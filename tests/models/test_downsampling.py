"""The encoder's halvings, and which transposed convolution undoes the size of which."""

import math
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from fundus_unet.models.downsampling import MaxPoolDownsampler, StridedConvDownsampler
from fundus_unet.upsampling.arithmetic import reachable_output_sizes

CONFIGS = Path(__file__).parents[2] / "configs" / "downsampler"
HALVED = {"max_pool": lambda size: size // 2, "strided_conv": lambda size: math.ceil(size / 2)}
INVERSE_KERNEL = {"max_pool": 4, "strided_conv": 3}


def test_every_option_has_one_row():
    options = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
    assert options == sorted(HALVED) == sorted(INVERSE_KERNEL)


@pytest.mark.parametrize("name", HALVED)
def test_halves_and_the_symmetric_kernel_gives_the_size_back(name):
    path = CONFIGS / f"{name}.yaml"
    assert path.read_text().startswith("# @package model.downsampler\n")
    downsampler = instantiate(OmegaConf.load(path))(2)
    for size in range(2, 14):
        halved = downsampler(torch.zeros(1, 2, size, size + 3)).shape
        assert halved == (1, 2, HALVED[name](size), HALVED[name](size + 3))
        assert size in reachable_output_sizes(halved[2], INVERSE_KERNEL[name], stride=2, padding=1)


def test_max_pool_by_hand():
    x = torch.tensor([[1.0, 2, 8, 0, 9], [4, 3, -1, 5, 9], [7, 7, 7, 7, 9]])[None, None]
    assert MaxPoolDownsampler(1)(x).tolist() == [[[[4, 8]]]]


@pytest.mark.parametrize(("size", "taps"), [(1, [1]), (4, [2, 3]), (5, [2, 3, 2])])
def test_strided_convolution_by_hand(size, taps):
    downsampler = StridedConvDownsampler(1)
    torch.nn.init.ones_(downsampler.conv.weight)
    assert downsampler(torch.ones(1, 1, size, size))[0, 0].tolist() == torch.outer(*2 * [torch.tensor(taps)]).tolist()


def test_strided_convolution_keeps_the_variance():
    torch.manual_seed(0)
    with torch.no_grad():
        out = StridedConvDownsampler(24)(torch.randn(2, 24, 40, 40))[..., 1:-1, 1:-1]
    assert float(out.var()) == pytest.approx(1, rel=0.1)
