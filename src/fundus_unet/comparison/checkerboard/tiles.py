"""Square tiles that lie entirely in the background, for spectra."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fundus_unet.comparison.checkerboard.regions import all_inside
from fundus_unet.core.errors import InputError

LARGEST, SMALLEST = 64, 16
PERIODS_PER_TILE = 4
"""The longest period fits this often, so that its bin, its neighbours and the next shorter period stay apart."""
FEWEST_TILES = 4
"""Of one image; with fewer the estimate scatters over several decibels."""


def tile_size(backgrounds: Sequence[Tensor], longest_period: int) -> int | None:
    """The side of all tiles: four times the longest period, halved until half of the images have enough tiles.

    Tiles that fit are preferred to filling vessels in: what is filled in is made up, and a smooth filling lowers the
    level that a grid is compared with. Every network is measured on the same tiles.

    Convention:
        a power of two from `SMALLEST` to `LARGEST`, so that all periods fall exactly on bins; None where no image
        has enough tiles of the smallest size.
    """
    size = min(LARGEST, max(SMALLEST, PERIODS_PER_TILE * longest_period))
    while size >= SMALLEST:
        enough = sum(len(tiles_in(background, size)) >= FEWEST_TILES for background in backgrounds)
        if 2 * enough >= len(backgrounds) or (enough and size == SMALLEST):
            return size
        size //= 2
    return None


def tiles_in(background: Tensor, size: int) -> list[tuple[int, int]]:
    """Upper left corners of tiles without a pixel outside the background, any two sharing at most half a side.

    Taken from the upper left on, one after the other; half a side of overlap costs hardly any independence under a
    Hann window.

    Shapes:
        bool (H, W).

    Raises:
        InputError: For a background that is no image.
    """
    if background.ndim != 2:
        raise InputError("a background is a mask of one image", expected="(H, W)", got=tuple(background.shape))
    if min(background.shape) < size:
        return []
    fits = all_inside(background.cpu(), size)
    step = max(1, size // 16)
    taken: list[tuple[int, int]] = []
    for top, left in (torch.nonzero(fits[::step, ::step]) * step).tolist():
        if all(abs(top - other[0]) >= size // 2 or abs(left - other[1]) >= size // 2 for other in reversed(taken)):
            taken.append((top, left))
    return taken
