"""Phase energy: how much of a map's variance is one pattern that repeats with a fixed period."""

import itertools
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from fundus_unet.comparison.checkerboard.measured_values import MeasuredValue
from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE, check_period, plant_grid
from fundus_unet.comparison.checkerboard.regions import eroded
from fundus_unet.core.errors import InputError

BLOCKS = 64
"""About how many blocks a map is cut into: few, so that a block is wider than texture is alike, and different blocks
agree by chance only. Fewer still where a block would be smaller than `SMALLEST_BLOCK` cells."""
SMALLEST_BLOCK = 2
FEWEST_BLOCKS = 8
PERIODS_AVERAGED = 2
"""Width of the moving average that is removed. One period would do, but ties neighbouring blocks to each other."""
DRAWS = 199
FLAT = 1e-5
"""Channels whose standard deviation is below this share of their root mean square carry rounding only."""


@dataclass(frozen=True)
class Patterns:
    """A map's patterns, summed within blocks.

    Shapes:
        `sums` (C, K, period ** 2), `cells` (K,) how many cells each block has, `total` (C,) the map's variance over
        the same pixels; float64. C counts the channels that vary, which `channels`, bool, marks among all.
    """

    period: int
    sums: Tensor
    cells: Tensor
    total: Tensor
    channels: Tensor

    def mean(self) -> Tensor:
        """The pattern itself, (C, period, period), in the map's units; of mean zero."""
        return (self.sums.sum(1) / self.cells.sum()).unflatten(-1, (self.period, self.period))


def phase_energy(maps: Tensor, period: int = 2, region: Tensor | None = None) -> MeasuredValue:
    """Variance of the phase means over the total variance, averaged over channels.

    The phase mean of (a, b) is the mean of all pixels (a, b) modulo `period`. For periods above 2 only the part that
    has no shorter period counts, so that each stage of a decoder has a period of its own.

    The null shuffles phases: every block of cells is moved by a random phase of its own, which keeps all that a block
    contains and takes away what blocks agree on. Its mean is computed exactly: the sum of the blocks' energies.
    `excess` is value less null, over the share that blocks do not have in themselves: the agreement of different
    blocks, of mean zero without a grid and equal to the grid's share of the variance with one. Means are taken after
    the moving average over two periods is removed; it holds nothing of a grid of that period, and all of a slope, which
    would add to the phase means.

    Shapes:
        maps (C, H, W), region bool (H, W) or None for everywhere; one period along its border is not used.

    Raises:
        InputError: For a period that is not a power of two, or a region of another size.

    Source:
        the phases of Odena, Dumoulin, Olah, Distill 2016, as an analysis of variance.
    """
    patterns = phase_patterns(maps, period, region)
    if isinstance(patterns, str):
        return MeasuredValue(reason=patterns)
    value, null, excess = _energies(patterns)
    return MeasuredValue(value, null, _null_quantile(patterns, 0.95), excess, _control(maps, patterns, region))


def phase_patterns(maps: Tensor, period: int, region: Tensor | None = None) -> Patterns | str:
    """Patterns by block, or in words why there are none."""
    check_period(period)
    inside = torch.ones(maps.shape[-2:], dtype=torch.bool) if region is None else region.cpu()
    if inside.shape != maps.shape[-2:]:
        raise InputError("map and region differ in size", expected=tuple(maps.shape[-2:]), got=tuple(inside.shape))
    rows, columns = (side // period for side in maps.shape[-2:])
    if not rows or not columns:
        return f"a map of {maps.shape[-2]} x {maps.shape[-1]} is too small for period {period}"
    usable = _cells(eroded(inside, PERIODS_AVERAGED * period // 2), period).flatten(-2).all(-1).to(maps.device)
    side = max(SMALLEST_BLOCK, round((float(usable.sum()) / BLOCKS) ** 0.5))
    of_block = _blocks(usable.double()[None], side).sum(-1)[0]
    kept = of_block > 0
    if int(kept.sum()) < FEWEST_BLOCKS:
        return f"fewer than {FEWEST_BLOCKS} blocks of {side} x {side} cells of {period} pixels"
    own = own_part(_cells(maps - moving_average(maps, PERIODS_AVERAGED * period), period)) * usable[..., None, None]
    sums = _blocks(own.flatten(-2).movedim(-1, 1).flatten(0, 1), side).sum(-1, dtype=torch.float64)
    sums = sums.unflatten(0, (len(maps), period**2)).movedim(1, -1)[:, kept]
    values = _cells(maps, period)[:, usable].flatten(1).double()
    varies = values.std(1, correction=0) > FLAT * values.square().mean(1).sqrt()
    if not varies.any():
        return "the map is constant"
    return Patterns(period, sums[varies], of_block[kept], values.var(1, correction=0)[varies], varies)


def moving_average(maps: Tensor, width: int) -> Tensor:
    """Mean over a square around each pixel, its border with half weight: zero for any grid whose period divides it.

    Shapes:
        (C, H, W) -> (C, H, W); beyond the border the outermost pixels are repeated.
    """
    weights = maps.new_full((width + 1,), 1 / width)
    weights[[0, -1]] /= 2
    rim = width // 2
    padded = F.pad(maps[:, None], (rim, rim, rim, rim), mode="replicate")
    return F.conv2d(F.conv2d(padded, weights[None, None, None]), weights[None, None, :, None])[:, 0]


def own_part(patterns: Tensor) -> Tensor:
    """Patterns (..., p, p) less their part of period p / 2; for period 2 that is the mean."""
    half = patterns.shape[-1] // 2
    shorter = patterns.unflatten(-1, (2, half)).mean(-2).unflatten(-2, (2, half)).mean(-3)
    return patterns - shorter.repeat(*[1] * (patterns.ndim - 2), 2, 2)


def _energies(patterns: Patterns) -> tuple[float, float, float]:
    cells = patterns.cells.sum()
    between = (patterns.sums.sum(1) / cells).square().mean(-1) / patterns.total
    null = patterns.sums.square().mean(-1).sum(1) / cells**2 / patterns.total
    in_themselves = patterns.cells.square().sum() / cells**2
    excess = (between - null) / (1 - in_themselves)
    return float(between.mean()), float(null.mean()), float(excess.mean())


def _control(maps: Tensor, patterns: Patterns, region: Tensor | None) -> float:
    """Excess with a small grid planted, which adds `CONTROL_SIZE ** 2`, about, to the map's own."""
    maps, excesses = maps[patterns.channels], []
    for sign in (1, -1):  # whether it adds to the map's own grid or takes from it averages out
        size = sign * CONTROL_SIZE * patterns.total.sqrt()
        planted = phase_patterns(plant_grid(maps, patterns.period, size), patterns.period, region)
        assert not isinstance(planted, str)
        # the sign moves the total too, and both signs together by this
        planted = replace(planted, total=patterns.total * (1 + CONTROL_SIZE**2))
        excesses.append(_energies(planted)[2])
    return sum(excesses) / len(excesses)


def _null_quantile(patterns: Patterns, share: float) -> float:
    """By draws: the same random phase of a block in all channels, because channels of one map are alike."""
    period, (_, blocks, phases) = patterns.period, patterns.sums.shape
    positions = torch.arange(period**2).view(period, period)
    moves = itertools.product(range(period), repeat=2)
    shifts = torch.stack([positions.roll((-down, -right), (0, 1)).flatten() for down, right in moves])
    generator = torch.Generator().manual_seed(0)
    cells, energies = patterns.cells.sum(), []
    for _ in range(DRAWS):
        order = shifts[torch.randint(phases, (blocks,), generator=generator)].to(patterns.sums.device)
        moved = patterns.sums.gather(-1, order.expand(len(patterns.sums), -1, -1))
        energies.append(((moved.sum(1) / cells).square().mean(-1) / patterns.total).mean())
    return float(torch.stack(energies).quantile(share))


def _cells(maps: Tensor, period: int) -> Tensor:
    """(..., H, W) -> (..., H // p, W // p, p, p)."""
    return maps.unfold(-2, period, period).unfold(-2, period, period)


def _blocks(cells: Tensor, side: int) -> Tensor:
    """(C, h, w) -> (C, blocks, side ** 2), filled up with zeros."""
    below, right = -cells.shape[-2] % side, -cells.shape[-1] % side
    return _cells(F.pad(cells, (0, right, 0, below)), side).flatten(-2).flatten(-3, -2)
