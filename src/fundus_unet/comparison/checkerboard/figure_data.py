"""What the figures show of one network on one input: phase means, amplified residual and log spectrum."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.comparison.checkerboard.engine import periods_of
from fundus_unet.comparison.checkerboard.phase_energy import moving_average, phase_patterns
from fundus_unet.comparison.checkerboard.regions import region_at
from fundus_unet.comparison.checkerboard.spectrum import over_surroundings, tile_spectrum
from fundus_unet.comparison.checkerboard.tiles import FEWEST_TILES, PERIODS_PER_TILE, tile_size, tiles_in
from fundus_unet.comparison.decoder_stages import pass_through

DETAIL = 32
"""Side of the residual in pixels: small enough to lie between vessels, and for single pixels to be seen."""


@dataclass(frozen=True)
class FigureData:
    """Maps that the network computed; nothing of the input is shown.

    Shapes:
        `phase_means` {place: (C, p, p)}, in standard deviations of each channel; `residual` (h, w), the output less
        its moving average over two pixels, in standard deviations of the output; `spectrum` (n, n), decibels over
        the bins around; zero frequency is at [n // 2, n // 2].
    """

    phase_means: dict[str, np.ndarray]
    residual: np.ndarray
    spectrum: np.ndarray
    periods: list[int]


@torch.no_grad()
def figure_data_of(
    network: nn.Module, image: Tensor, region: Tensor | None = None, background: Tensor | None = None
) -> FigureData:
    """Of the first output channel.

    The detail is where the background is emptiest, the spectrum is of the tiles that lines are measured on.

    Shapes:
        image a batch of one, region and background bool (H, W) of the output's size.
    """
    network.eval()
    passed = pass_through(network, image)
    periods, output = periods_of(passed.stages), passed.output[0].float()[:1].cpu()
    phase_means = {}
    for stage, maps in zip(passed.stages, passed.maps, strict=True):
        shown = region_at(region, stage.output_size)
        phase_means[stage.name] = _relative_phase_means(maps[0].float(), 2, shown)
    for period in periods:
        phase_means[f"output, period {period}"] = _relative_phase_means(output, period, region)
    inside = torch.ones(output.shape[-2:], dtype=torch.bool) if region is None else region
    empty = inside if background is None else background
    spread = output[:, inside].std(correction=0).clamp(min=1e-12)
    residual = (output - moving_average(output, min(periods)))[0] / spread
    top, left = _emptiest(empty, DETAIL)
    size, corners = _tiles(empty, max(periods))
    power = over_surroundings(tile_spectrum(output, corners, size).power, min(max(periods), size // PERIODS_PER_TILE))
    return FigureData(
        phase_means,
        residual[top : top + DETAIL, left : left + DETAIL].numpy(),
        torch.fft.fftshift(power).numpy(),
        periods,
    )


def _relative_phase_means(maps: Tensor, period: int, region: Tensor | None) -> np.ndarray:
    """Zero for a channel that is constant, or a map that is too small."""
    shown = torch.zeros(len(maps), period, period, dtype=torch.float64)
    patterns = phase_patterns(maps, period, region)
    if not isinstance(patterns, str):
        shown[patterns.channels.cpu()] = (patterns.mean() / patterns.total.sqrt()[:, None, None]).cpu()
    return shown.numpy()


def _tiles(background: Tensor, longest: int) -> tuple[int, list[tuple[int, int]]]:
    """Side and corners of the tiles in the background; the emptiest square where they are too few."""
    size = tile_size([background], longest)
    corners = tiles_in(background, size) if size else []
    if size and len(corners) >= FEWEST_TILES:
        return size, corners
    size = min(PERIODS_PER_TILE * longest, *(2 ** (length.bit_length() - 1) for length in background.shape))
    return size, [_emptiest(background, size)]


def _emptiest(background: Tensor, side: int) -> tuple[int, int]:
    """Upper left corner of the square with the most background, counted from multiples of 8 pixels."""
    height, width = (min(side, length) for length in background.shape)
    share = F.avg_pool2d(background.float()[None, None].cpu(), (height, width), stride=8)[0, 0]
    row, column = divmod(int(share.argmax()), share.shape[1])
    return 8 * row, 8 * column
