"""Phase energy: planted grids are recovered, and nothing is found where nothing is."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_unet.comparison.checkerboard.phase_energy import moving_average, phase_energy, phase_patterns
from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE, grid_pattern, plant_grid
from fundus_unet.core.errors import InputError
from tensors import noise


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    period=st.sampled_from([2, 4, 8]),
    origin=st.tuples(st.integers(0, 7), st.integers(0, 7)),
    size=st.floats(0.2, 2.0),
    seed=st.integers(0, 5),
)
def test_a_planted_grid_is_recovered_whatever_its_phase(period, origin, size, seed):
    maps = plant_grid(noise(3, 128, 120, seed=seed), period, size, origin)
    expected = size**2 / (1 + size**2)
    assert phase_energy(maps, period).excess == pytest.approx(expected, abs=0.01 + 0.05 * expected)
    for other in {2, 4, 8} - {period}:
        assert abs(phase_energy(maps, other).excess) < 0.01


@pytest.mark.parametrize("period", [2, 4, 8])
def test_value_is_the_variance_of_the_phase_means_over_the_total(period):
    maps = plant_grid(noise(1, 256, 256), period, 0.5)
    inner = maps[0, period:-period, period:-period].double()
    phases = torch.stack([inner[a::period, b::period].mean() for a in range(period) for b in range(period)])
    half = period // 2
    grid = phases.view(period, period)
    shorter = grid.view(2, half, 2, half).mean((0, 2)).repeat(2, 2)
    by_hand = (grid - shorter).square().mean() / inner.var(correction=0)
    assert phase_energy(maps, period).value == pytest.approx(float(by_hand), rel=0.02)


@pytest.mark.parametrize("period", [2, 4, 8])
def test_noise_has_no_excess_and_rarely_passes_the_null(period):
    measured = [phase_energy(noise(6, 96, 96, seed=seed), period) for seed in range(60)]
    excess, null = (torch.tensor([getattr(one, name) for one in measured]) for name in ("excess", "null"))
    assert float(null.mean()) == pytest.approx((period**2 - (period // 2) ** 2) / (96 - 2 * period) ** 2, rel=0.05)
    assert abs(float(excess.mean())) < 4 * float(excess.std()) / 60**0.5
    assert abs(float(excess.mean())) < 0.1 * float(null.mean())
    assert 0 <= sum(one.value > one.null_95 for one in measured) <= 9


def test_excess_grows_with_the_grid_and_can_be_told_from_nothing_when_small():
    base = noise(1, 256, 256)
    measured = [phase_energy(plant_grid(base, 2, size)) for size in (0, 0.02, 0.05, 0.1, 0.2)]
    excesses = [value.excess for value in measured]
    assert excesses == sorted(excesses)
    assert measured[2].value > measured[2].null_95
    assert excesses[3] == pytest.approx(0.01, rel=0.2)


@pytest.mark.parametrize("period", [2, 8])
def test_slopes_and_smooth_content_are_no_grid(period):
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 64), indexing="ij")
    blob = torch.exp(-((x - 0.3) ** 2 + (y - 0.6) ** 2) / 0.02)
    assert abs(phase_energy((3 * x + y)[None], period).excess) < 1e-6
    assert phase_energy(blob[None], period).value < phase_energy(blob[None], period).null_95
    row = torch.hann_window(17, periodic=False)
    kernel = (torch.outer(row, row) / row.sum() ** 2)[None, None]
    textures = [F.conv2d(noise(1, 144, 144, seed=seed)[None], kernel)[0] for seed in range(10)]
    measured = [phase_energy(texture, period) for texture in textures]
    assert sum(one.value > one.null_95 for one in measured) <= 2
    assert max(one.excess for one in measured) < 1e-3


def test_the_moving_average_keeps_grids_out_and_slopes_in():
    slope = torch.arange(40.0)[:, None] + 2 * torch.arange(48.0)
    inner = slice(4, -4)
    for period in (2, 4, 8):
        grid = plant_grid(torch.zeros(1, 40, 48, dtype=torch.float64), period, 1.0)
        assert moving_average(grid, period)[0, inner, inner].abs().max() < 1e-12
        assert torch.allclose(moving_average(slope[None], period)[0, inner, inner], slope[inner, inner], atol=1e-4)


def test_the_control_adds_its_size():
    for maps in (noise(4, 128, 128), plant_grid(noise(4, 128, 128), 4, 0.3)):
        value = phase_energy(maps, 4)
        gained = value.positive_control - value.excess
        assert gained == pytest.approx(CONTROL_SIZE**2 * (1 - value.excess), rel=0.05)


def test_only_the_region_counts():
    maps, inside = noise(1, 128, 128), torch.zeros(128, 128, dtype=torch.bool)
    inside[:, :64] = True
    outside_only = torch.where(inside, maps, plant_grid(maps, 2, 5.0))
    assert phase_energy(outside_only, 2, inside).value == phase_energy(maps, 2, inside).value
    assert phase_energy(outside_only, 2, ~inside).excess > 0.9


def test_a_channel_without_variance_is_left_out():
    maps = plant_grid(noise(2, 64, 64), 2, 1.0)
    flat = torch.cat([maps, torch.full((1, 64, 64), 7.3)])
    assert phase_energy(flat).excess == pytest.approx(phase_energy(maps).excess)
    assert phase_patterns(flat, 2).channels.tolist() == [True, True, False]
    assert phase_energy(flat[2:]).reason == "the map is constant"


def test_patterns_have_mean_zero_variance_one_and_no_shorter_period():
    for period in (2, 4, 8):
        pattern = grid_pattern(period)
        assert float(pattern.mean()) == pytest.approx(0, abs=1e-12)
        assert float(pattern.var(correction=0)) == pytest.approx(1)
        half = period // 2
        assert pattern.view(2, half, 2, half).mean((0, 2)).abs().max() < 1e-12


def test_what_cannot_be_measured():
    assert "too small" in phase_energy(torch.zeros(1, 1, 1)).reason
    assert "blocks" in phase_energy(noise(1, 8, 8)).reason
    with pytest.raises(InputError, match="period"):
        phase_energy(noise(1, 8, 8), 3)
    with pytest.raises(InputError, match="differ in size"):
        phase_energy(noise(1, 8, 8), 2, torch.ones(8, 9, dtype=torch.bool))
