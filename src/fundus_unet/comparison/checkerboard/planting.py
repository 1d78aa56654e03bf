"""Grids of known period and size, for positive controls."""

import torch
from torch import Tensor

from fundus_unet.core.errors import InputError

CONTROL_SIZE = 0.05
"""Root mean square of the planted grid, as a share of the map's standard deviation; 0.0025 of its variance."""


def check_period(period: int) -> None:
    """Raise `InputError` for a period that is not a power of two, from 2 on."""
    if period < 2 or period & (period - 1):
        raise InputError("no upsampling by two makes a grid of this period", expected="2, 4, 8, ...", got=period)


def grid_pattern(period: int) -> Tensor:
    """One period of a grid with mean zero and variance one, of equal energy along x, y and the diagonal.

    It changes sign over half a period along at least one axis, so nothing of it has a shorter period. At period 2 one
    pixel of four differs from the other three.

    Shapes:
        (period, period), float64.

    Raises:
        InputError: For a period that is not a power of two.
    """
    check_period(period)
    half = torch.ones(period // 2, dtype=torch.float64)
    sign = torch.cat([half, -half])
    return (sign[:, None] + sign + torch.outer(sign, sign)) / 3**0.5


def plant_grid(maps: Tensor, period: int, size: Tensor | float, origin: tuple[int, int] = (0, 0)) -> Tensor:
    """Maps with a grid added: `size * grid_pattern`, its first cell beginning at row and column `origin`.

    Shapes:
        (C, H, W), size a number or (C,).
    """
    rows, columns = ((torch.arange(side) - start) % period for side, start in zip(maps.shape[-2:], origin, strict=True))
    grid = grid_pattern(period)[rows[:, None], columns].to(maps)
    return maps + torch.as_tensor(size).to(maps).reshape(-1, 1, 1) * grid
