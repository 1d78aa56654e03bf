"""Grid-line spectrum: power at the periods of the decoder's stages over the power right beside them."""

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fundus_unet.comparison.checkerboard.measured_values import MeasuredValue
from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE, plant_grid
from fundus_unet.comparison.checkerboard.tiles import FEWEST_TILES, PERIODS_PER_TILE, tiles_in
from fundus_unet.core.errors import InputError

DIRECTIONS = ("x", "y", "diagonal")
MAIN_LOBE = 1
"""A Hann window spreads a line over one bin to each side, and no further."""
FARTHEST = 3
"""Bins up to this distance are neighbours."""
SAME_DISTANCE, FITTED_DISTANCE = 1.4, 1.6
"""Largest ratio of two distances from zero frequency, of neighbours and of bins that the fall is fitted to."""


@dataclass(frozen=True)
class Spectrum:
    """Mean windowed power over `tiles` tiles; (size, size), zero frequency first."""

    power: Tensor
    tiles: int


def grid_line_spectrum(
    maps: Tensor, background: Tensor, periods: Sequence[int], size: int | None
) -> dict[tuple[int, str], MeasuredValue]:
    """Decibels of the grid lines of each period along x, y and the diagonal over the median of neighbouring bins.

    Power is averaged over tiles before any ratio or logarithm. Both are then corrected for the number of tiles, by the
    median and the mean logarithm of a gamma distribution, so white noise has mean 0 dB: the null. `null_95` is what
    white noise stays below.

    The neighbours are first brought to the line's distance from zero frequency along the power law that fits the
    surroundings, because the spectrum of an image falls with that distance.

    Shapes:
        maps (C, H, W); background bool (H, W); periods are powers of two; `size` of the tiles.
    """
    lines = [(period, direction) for period in periods for direction in DIRECTIONS]
    corners = tiles_in(background, size) if size else []
    if size is None or len(corners) < FEWEST_TILES:
        few = f"fewer than {FEWEST_TILES} vessel-free tiles" + (f" of {size} pixels" if size else "")
        return dict.fromkeys(lines, MeasuredValue(reason=few))
    spectrum = tile_spectrum(maps, corners, size)
    longest = min(max(periods), size // PERIODS_PER_TILE)  # a longer grid reaches all bins of so small a tile
    found: dict[tuple[int, str], MeasuredValue] = {}
    for period in periods:
        if PERIODS_PER_TILE * period > size:
            reason = f"tiles of {size} pixels are too small for period {period}"
            found |= {(period, direction): MeasuredValue(reason=reason) for direction in DIRECTIONS}
            continue
        planted = _with_control(maps, background, period, corners, size)
        for direction in DIRECTIONS:
            value, control = (decibels(one, period, direction, longest) for one in (spectrum, planted))
            threshold = white_noise_95(spectrum, period, direction, longest)
            found[period, direction] = MeasuredValue(value, 0.0, threshold, value, control)
    return found


def tile_spectrum(maps: Tensor, corners: Sequence[tuple[int, int]], size: int) -> Spectrum:
    """Mean squared magnitude of the Fourier transform of Hann-windowed tiles of all channels, each less its mean."""
    if not corners:
        raise InputError("no tile to take a spectrum of")
    row = torch.hann_window(size, periodic=True, dtype=torch.float64, device=maps.device)
    window = torch.outer(row, row)
    power = torch.zeros(size, size, dtype=torch.float64, device=maps.device)
    for top, left in corners:
        tile = maps[:, top : top + size, left : left + size].double()
        tile = (tile - tile.mean((-2, -1), keepdim=True)) * window
        power += torch.fft.fft2(tile).abs().square().mean(0)
    return Spectrum(power.cpu() / len(corners), len(corners))


def decibels(spectrum: Spectrum, period: int, direction: str, longest: int) -> float | None:
    """One grid line over its neighbourhood; None where the map is constant there."""
    size = len(spectrum.power)
    bins = line_bins(size, period, direction)
    line = float(torch.stack([spectrum.power[place] for place in bins]).mean())
    around = neighbours(size, bins, longest)
    if not line > 0 or not min(float(spectrum.power[place]) for place in around) > 0:
        return None
    slope = _slope(spectrum.power, bins[0], longest)
    steps = torch.tensor([math.log(radius(place, size) / radius(bins[0], size)) for place in around])
    level = torch.stack([spectrum.power[place] for place in around]) * torch.exp(-slope * steps)
    # the median of gamma-distributed powers lies below their mean
    usual = float(level.quantile(0.5)) / (1 - 1 / (9 * spectrum.tiles)) ** 3
    return 10 / math.log(10) * (math.log(line / usual) - _mean_log(_shape(spectrum, period, direction)))


def line_bins(size: int, period: int, direction: str) -> list[tuple[int, int]]:
    """(row, column) of a line's bins; the diagonal of a period above 2 has two, one for each way to lean."""
    k = size // period
    both = [(k, k)] if period == 2 else [(k, k), (size - k, k)]
    return {"x": [(0, k)], "y": [(k, 0)], "diagonal": both}[direction]


def neighbours(size: int, bins: Sequence[tuple[int, int]], longest: int) -> list[tuple[int, int]]:
    """Bins near the line's, and about as far from zero frequency, that no grid of any period can reach."""
    reach = range(-FARTHEST, FARTHEST + 1)
    near = {((row + down) % size, (column + right) % size) for row, column in bins for down in reach for right in reach}
    return sorted(place for place in near & off_grid(size, longest) if _alike(place, bins[0], size, SAME_DISTANCE))


@functools.cache
def off_grid(size: int, longest: int) -> frozenset[tuple[int, int]]:
    """Bins that a windowed grid of any period up to `longest` leaves alone."""
    spacing = size // longest
    beside = [min(frequency % spacing, -frequency % spacing) <= MAIN_LOBE for frequency in range(size)]
    every = itertools.product(range(size), repeat=2)
    return frozenset((row, column) for row, column in every if not (beside[row] and beside[column]))


def white_noise_95(spectrum: Spectrum, period: int, direction: str, longest: int) -> float:
    """Decibels that white noise exceeds about once in twenty."""
    size = len(spectrum.power)
    around = len(neighbours(size, line_bins(size, period, direction), longest))
    # the median of the neighbours, about a quarter of them independent, scatters too
    shape = 1 / (1 / _shape(spectrum, period, direction) + math.pi / 2 * 4 / (around * spectrum.tiles))
    cube = 1 - 1 / (9 * shape) + 1.645 / (3 * math.sqrt(shape))  # Wilson and Hilferty's approximation
    return 10 / math.log(10) * (3 * math.log(cube) - _mean_log(shape))


def _slope(power: Tensor, line: tuple[int, int], longest: int) -> float:
    """How power falls with distance from zero frequency, around that of the line: the exponent of a power law.

    Fitted to all off-grid bins of similar distance. The spectra of images are steep at low frequencies, and most
    bins around a line on an axis are farther out than the line.
    """
    size = len(power)
    places = [place for place in off_grid(size, longest) if _alike(place, line, size, FITTED_DISTANCE)]
    x = torch.tensor([math.log(radius(place, size)) for place in places], dtype=torch.float64)
    y = torch.stack([power[place] for place in places]).clamp(min=1e-300).log()
    x = x - x.mean()
    return float((x * y).sum() / x.square().sum().clamp(min=1e-12))


def _alike(place: tuple[int, int], line: tuple[int, int], size: int, factor: float) -> bool:
    return 1 / factor <= radius(place, size) / radius(line, size) <= factor


def radius(place: tuple[int, int], size: int) -> float:
    """Distance from zero frequency as differences of neighbouring pixels see it; half a bin at zero.

    It is flat at half the sampling rate, as the spectrum of every sampled image is.
    """
    return math.hypot(*(2 * math.sin(math.pi * frequency / size) for frequency in place)) or math.pi / size


def _shape(spectrum: Spectrum, period: int, direction: str) -> float:
    """Half the number of independent squares in a line's power: bins at half the sampling rate are real numbers."""
    if period == 2:
        return spectrum.tiles / 2
    return spectrum.tiles * (2.0 if direction == "diagonal" else 1.0)


def over_surroundings(power: Tensor, longest: int) -> Tensor:
    """Decibels of every bin over the median of its `neighbours`; 0 where it has none.

    For figures: grid lines stand out, and neither the fall of the spectrum nor its broad ridges hide them.

    Shapes:
        (n, n), zero frequency first.
    """
    logarithm = power.clamp(min=1e-300).log10()
    shown = torch.zeros_like(power)
    for row, column in itertools.product(range(len(power)), repeat=2):
        around = neighbours(len(power), [(row, column)], longest)
        if around:
            usual = torch.stack([logarithm[place] for place in around]).quantile(0.5)
            shown[row, column] = 10 * (logarithm[row, column] - usual)
    return shown


def _mean_log(shape: float) -> float:
    """Mean logarithm of a gamma variable of mean one."""
    return float(torch.digamma(torch.tensor(shape, dtype=torch.float64))) - math.log(shape)


def _with_control(
    maps: Tensor, background: Tensor, period: int, corners: Sequence[tuple[int, int]], size: int
) -> Spectrum:
    """The spectrum with a small grid planted, added and subtracted: the map's own grid does not decide what it adds."""
    amplitude = CONTROL_SIZE * maps[:, background.to(maps.device)].double().std(1, correction=0)
    planted = [tile_spectrum(plant_grid(maps, period, sign * amplitude), corners, size).power for sign in (1, -1)]
    return Spectrum(torch.stack(planted).mean(0), len(corners))
