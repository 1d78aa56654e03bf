"""Overlap unevenness and polyphase gain imbalance, from the modules alone."""

import pytest
import torch
from torch import nn

from fundus_unet.comparison.checkerboard.module_measures import gain_imbalance, overlap_unevenness, phase_gains
from fundus_unet.upsampling.pixel_shuffle import PixelShuffleUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from upsampling.cases import CASES

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@every_case
def test_overlap_follows_from_the_sizes(case):
    measured = overlap_unevenness(case.factory(3, 2))
    if case.name == "dysample":
        assert measured.value is None
        assert "not linear" in measured.reason
    else:
        assert measured.value == pytest.approx(case.overlap, abs=1e-12)


def test_kernel_3_sums_1_2_2_4_taps():
    measured = overlap_unevenness(TransposedConvUpsampler(1, 1, kernel_size=3, padding=1))
    assert measured.value == pytest.approx((4 - 1) / 2.25)


@every_case
def test_a_constant_that_stays_constant_has_no_imbalance(case):
    torch.manual_seed(0)
    imbalance = gain_imbalance(case.factory(6, 5)).value
    if case.constant_stays_constant:
        assert imbalance < 1e-6
    else:
        assert imbalance > 0.5


@pytest.mark.parametrize("name", ["bilinear_conv", "nearest_conv", "bilinear_conv1x1", "dysample"])
def test_interpolation_has_exactly_none_whatever_it_learns(name):
    upsampler = next(case for case in CASES if case.name == name).factory(4, 3)
    with torch.no_grad():
        for parameter in upsampler.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    assert gain_imbalance(upsampler).value < 1e-12


@pytest.mark.parametrize("name", ["transposed_k4s2p1_equal_gain", "transposed_k4s2p1_blur"])
def test_remedies_have_none_after_any_training(name):
    upsampler = next(case for case in CASES if case.name == name).factory(4, 3)
    with torch.no_grad():
        for parameter in upsampler.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(1))
    assert gain_imbalance(upsampler).value < 1e-6


def default_init(upsampler: nn.Module) -> nn.Module:
    upsampler.conv.reset_parameters()
    return upsampler


@pytest.mark.parametrize(
    ("make", "known"),
    [
        (lambda: TransposedConvUpsampler(32, 16, kernel_size=2, padding=0), 0.845),
        (lambda: TransposedConvUpsampler(32, 16, kernel_size=3, padding=1), 0.866),
        (lambda: TransposedConvUpsampler(32, 16, kernel_size=4, padding=1), 0.837),
        (lambda: PixelShuffleUpsampler(32, 16), 0.864),
    ],
    ids=["k2", "k3", "k4", "pixel shuffle"],
)
def test_imbalance_of_pytorchs_default_initialization(make, known):
    values = []
    for seed in range(10):
        torch.manual_seed(seed)
        values.append(gain_imbalance(default_init(make())).value)
    mean = sum(values) / 10
    # independent gains of any law close to normal: the mean of sqrt(1 - B), B of a beta(1/2, 3/2) law
    assert mean == pytest.approx(8 / (3 * torch.pi), abs=0.012)
    assert mean == pytest.approx(known, abs=0.025)


@pytest.mark.parametrize("kernel_size", [2, 3, 4])
def test_gains_are_the_sums_of_the_taps(kernel_size):
    padding = 0 if kernel_size == 2 else 1
    upsampler = TransposedConvUpsampler(4, 6, kernel_size=kernel_size, padding=padding, groups=2)
    weight = upsampler.conv.weight.detach().double()
    sums = torch.stack(
        [weight[..., (a + padding) % 2 :: 2, (b + padding) % 2 :: 2].sum((-2, -1)) for a in (0, 1) for b in (0, 1)], -1
    )
    gains = phase_gains(upsampler)
    assert torch.allclose(gains[:2, :3], sums[:2])
    assert torch.allclose(gains[2:, 3:], sums[2:])
    assert gains[:2, 3:].abs().max() == 0
    by_hand = (sums.std(-1, correction=0) / sums.square().mean(-1).sqrt()).mean()
    assert gain_imbalance(upsampler).value == pytest.approx(float(by_hand))


def test_a_module_that_answers_nothing_has_no_imbalance():
    upsampler = TransposedConvUpsampler(1, 1, kernel_size=2, padding=0)
    nn.init.zeros_(upsampler.conv.weight)
    assert gain_imbalance(upsampler).reason == "no response to a constant"


def test_measuring_changes_nothing():
    upsampler = TransposedConvUpsampler(2, 2, kernel_size=4, padding=1)
    before = upsampler.conv.weight.clone()
    gain_imbalance(upsampler)
    overlap_unevenness(upsampler)
    assert torch.equal(upsampler.conv.weight, before)
    assert upsampler.conv.weight.dtype == torch.float32
