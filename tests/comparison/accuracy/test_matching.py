"""Variants get as many parameters as the control."""

from functools import partial

import pytest

from fundus_unet.comparison.accuracy.matching import matching_width
from fundus_unet.core.errors import InputError
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.unet import UNet
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler


def parameters(kernel_size: int, width: float) -> int:
    upsampler = partial(TransposedConvUpsampler, kernel_size=kernel_size, padding=1)
    network = UNet(3, 1, [16, 32, 64], upsampler, MaxPoolDownsampler, upsampled_width=width)
    return sum(parameter.numel() for parameter in network.parameters())


def test_kernel_3_is_given_the_parameters_of_kernel_4() -> None:
    target = parameters(4, 1.0)
    width = matching_width(partial(parameters, 3), target)
    assert parameters(3, 1.0) < 0.9 * target
    assert parameters(3, width) == pytest.approx(target, rel=0.005)
    others = [abs(parameters(3, step / 100) - target) for step in range(100, 300)]
    assert abs(parameters(3, width) - target) == min(others)


def test_an_equal_network_is_found_again() -> None:
    target = parameters(4, 1.3)
    assert parameters(4, matching_width(partial(parameters, 4), target)) == target


@pytest.mark.parametrize("target", [10, 10**12])
def test_out_of_reach(target: int) -> None:
    with pytest.raises(InputError, match="no width gives"):
        matching_width(partial(parameters, 3), target)
