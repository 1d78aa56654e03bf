"""Sensitivity to sub-grid shifts: zero for what knows no position, and the value by hand for what does."""

import itertools

import pytest
import torch
from torch import nn

from fundus_unet.comparison.checkerboard.sensitivity import choose_shifts, subgrid_shift_sensitivity
from fundus_unet.core.errors import InputError
from tensors import noise


def image(side: int = 64) -> torch.Tensor:
    return noise(1, 3, side, side)


def measured(network, block=4, region=None, shifts=None, margin=4):
    shifts = shifts or choose_shifts(block, block**2)
    with torch.no_grad():
        return subgrid_shift_sensitivity(network, image(), region, block, shifts, margin)


def test_a_position_blind_network_is_not_sensitive():
    torch.manual_seed(0)
    found = measured(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1)))
    assert found["probability"].value == pytest.approx(0, abs=1e-6)
    assert found["probability"].null == pytest.approx(0, abs=1e-6)
    assert found["dice"].value == found["dice"].null == 1
    assert found["probability"].positive_control > 1e-3
    assert found["dice"].positive_control < 0


def test_a_network_that_marks_every_second_column():
    """Logit a on even columns, -a on odd: each pixel is above one half in half of the shifts."""
    a = 1.3

    def stripes(crop):
        sign = 1 - 2 * (torch.arange(crop.shape[-1]) % 2)
        return (a * sign).expand(1, 1, *crop.shape[-2:])

    found = measured(stripes)
    p = torch.sigmoid(torch.tensor(a))
    assert found["probability"].value == pytest.approx(float(p - (1 - p)) / 2, rel=1e-5)
    assert found["probability"].null == pytest.approx(0, abs=1e-7)
    # 16 shifts: 8 agree with each other and 8 with each other; 64 of the 120 pairs have nothing in common
    assert found["dice"].value == pytest.approx(56 / 120)


def test_only_the_region_counts():
    region = torch.zeros(64, 64, dtype=torch.bool)
    region[:, :32] = True

    def left_is_blind(crop):
        return torch.zeros(1, 1, *crop.shape[-2:])

    assert measured(left_is_blind, region=region)["probability"].value == 0
    assert "no pixel of the region" in measured(left_is_blind, region=~region & region)["probability"].reason
    assert "no pixel of the region" in measured(left_is_blind, margin=40)["dice"].reason


def test_shifts_do_not_wrap():
    def position_of_brightest(crop):
        assert crop.shape[-2:] == (60, 60)
        return crop[:, :1]

    assert measured(position_of_brightest)["probability"].value == 0


@pytest.mark.parametrize("most", [4, 16, 20, 64, 1000])
def test_chosen_shifts_differ_and_share_the_phases_evenly(most):
    shifts = choose_shifts(8, most)
    assert len(set(shifts)) == len(shifts) == min(most, 64)
    assert all(0 <= dy < 8 and 0 <= dx < 8 for dy, dx in shifts)
    phases = [(dy % 2, dx % 2) for dy, dx in shifts]
    assert {phases.count(phase) for phase in itertools.product((0, 1), repeat=2)} == {len(shifts) // 4}
    if most >= 16:
        assert len({(dy % 4, dx % 4) for dy, dx in shifts[:16]}) == 16
    assert shifts == choose_shifts(8, most)


@pytest.mark.parametrize(("block", "most"), [(6, 4), (8, 1), (0, 4)])
def test_shifts_that_make_no_comparison(block, most):
    with pytest.raises(InputError, match="max_shifts"):
        choose_shifts(block, most)
