"""The grid-line spectrum: zero decibels for noise of any colour, and more for a larger grid at its own period only."""

import pytest
import torch

from fundus_unet.comparison.checkerboard.planting import plant_grid
from fundus_unet.comparison.checkerboard.spectrum import (
    DIRECTIONS,
    decibels,
    grid_line_spectrum,
    line_bins,
    neighbours,
    over_surroundings,
    tile_spectrum,
)
from fundus_unet.comparison.checkerboard.tiles import tile_size, tiles_in

PERIODS = (2, 4, 8)
EVERYWHERE = torch.ones(128, 128, dtype=torch.bool)


def noise(seed: int, side: int = 128, fall: float = 0.0) -> torch.Tensor:
    """Gaussian noise whose amplitude falls with frequency to the power `fall`."""
    white = torch.randn(1, 2 * side, 2 * side, generator=torch.Generator().manual_seed(seed))
    wave = (torch.pi * torch.fft.fftfreq(2 * side)).sin().square()
    radius = (wave[:, None] + wave).sqrt()
    radius[0, 0] = radius[0, 1]
    return torch.fft.ifft2(torch.fft.fft2(white) / radius**fall).real[:, :side, :side]


@pytest.mark.parametrize("fall", [0.0, 1.0])
def test_noise_has_no_lines(fall):
    found = [grid_line_spectrum(noise(seed, fall=fall), EVERYWHERE, PERIODS, 32) for seed in range(24)]
    for line in found[0]:
        values = torch.tensor([one[line].value for one in found])
        assert abs(float(values.mean())) < 0.4, line
        assert sum(one[line].value > one[line].null_95 for one in found) <= 5, line


def test_few_tiles_do_not_bias_the_decibels():
    background = torch.ones(48, 48, dtype=torch.bool)
    assert len(tiles_in(background, 32)) == 4
    spectra = [tile_spectrum(noise(seed, 48), tiles_in(background, 32), 32) for seed in range(80)]
    values = [decibels(one, period, direction, 4) for one in spectra for period in (2, 4) for direction in DIRECTIONS]
    assert abs(float(torch.tensor(values).mean())) < 0.25


@pytest.mark.parametrize("period", PERIODS)
def test_a_larger_grid_gives_more_decibels_at_its_period_and_none_elsewhere(period):
    base = noise(3)
    measured = [
        grid_line_spectrum(plant_grid(base, period, size, (1, 0)), EVERYWHERE, PERIODS, 32)
        for size in (0, 0.1, 0.2, 0.4, 0.8)
    ]
    for direction in DIRECTIONS:
        values = [one[period, direction].value for one in measured]
        assert values[1:] == sorted(values[1:])
        assert values[-1] > 10 > abs(values[0]) + 5
        assert measured[0][period, direction].positive_control > measured[0][period, direction].value
    for longer in (other for other in PERIODS if other > period):
        for direction in DIRECTIONS:
            shift = measured[-1][longer, direction].value - measured[0][longer, direction].value
            assert abs(shift) < 0.05


def test_the_decibels_of_a_known_line():
    """A wave of amplitude a has power (a / 2 * sum of w)^2 under the window w, noise its variance times sum of w^2."""
    amplitude, size = 0.5, 32
    window = torch.hann_window(size, dtype=torch.float64)
    wave = amplitude * torch.cos(2 * torch.pi * torch.arange(128) / 4)
    power = torch.stack([tile_spectrum(noise(s) + wave, tiles_in(EVERYWHERE, size), size).power for s in range(8)])
    line = (amplitude / 2 * window.sum() ** 2) ** 2 / (window.square().sum() ** 2)
    got = power[:, 0, 8].mean() / (window.square().sum() ** 2)
    assert float(got) == pytest.approx(float(1 + line), rel=0.05)
    spectrum = tile_spectrum(noise(0) + wave, tiles_in(EVERYWHERE, size), size)
    assert decibels(spectrum, 4, "x", 8) == pytest.approx(float(10 * (1 + line).log10()), abs=1)
    assert abs(decibels(spectrum, 4, "y", 8)) < 2.5


def test_neighbours_are_out_of_reach_of_every_grid():
    grids = torch.zeros(1, 128, 128)
    for period in PERIODS:
        grids = plant_grid(grids, period, 1.0)
    power = tile_spectrum(grids, [(0, 0), (16, 40)], 32).power
    for period in PERIODS:
        for direction in DIRECTIONS:
            bins = line_bins(32, period, direction)
            assert all(power[place] > 1 for place in bins)
            around = neighbours(32, bins, 8)
            assert len(around) >= 8
            assert max(float(power[place]) for place in around) < 1e-6


def test_tiles_fit_and_hardly_overlap():
    background = torch.ones(100, 140, dtype=torch.bool)
    background[40:44, :90] = False
    corners = tiles_in(background, 32)
    assert len(corners) > 8
    assert all(background[top : top + 32, left : left + 32].all() for top, left in corners)
    for number, (top, left) in enumerate(corners):
        assert all(abs(top - y) >= 16 or abs(left - x) >= 16 for y, x in corners[:number])
    assert tiles_in(background[:20], 32) == []


def test_tiles_get_smaller_where_large_ones_do_not_fit():
    striped = torch.ones(128, 128, dtype=torch.bool)
    striped[:, ::24] = False
    assert tile_size([EVERYWHERE], 8) == 32
    assert tile_size([EVERYWHERE, striped, striped], 8) == 16
    assert tile_size([~EVERYWHERE], 8) is None
    measured = grid_line_spectrum(noise(0), striped, PERIODS, 16)
    assert measured[4, "x"].value is not None
    assert "too small for period 8" in measured[8, "x"].reason
    assert "fewer than 4 vessel-free tiles" in grid_line_spectrum(noise(0), ~EVERYWHERE, PERIODS, 32)[2, "x"].reason
    assert grid_line_spectrum(noise(0), EVERYWHERE, PERIODS, None)[2, "x"].value is None
    assert grid_line_spectrum(torch.zeros(1, 128, 128), EVERYWHERE, PERIODS, 32)[2, "x"].value is None


@pytest.mark.parametrize("fall", [0.0, 1.0])
def test_in_figures_noise_is_level_and_a_grid_stands_out(fall):
    tiles = tiles_in(EVERYWHERE, 32)
    quiet = noise(0, fall=fall)
    level = over_surroundings(tile_spectrum(quiet, tiles, 32).power, 8)
    assert abs(float(level.median())) < 0.5
    assert float(level.abs().quantile(0.9)) < 4
    planted = over_surroundings(tile_spectrum(plant_grid(quiet, 4, 0.6 * quiet.std()), tiles, 32).power, 8)
    for place in line_bins(32, 4, "x") + line_bins(32, 4, "diagonal"):
        assert float(planted[place]) > float(level[place]) + 6
    assert float(planted[0, 4]) == pytest.approx(float(level[0, 4]), abs=2)
