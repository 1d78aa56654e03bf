"""The figure of TensorBoard: four views, two by two."""

import numpy as np
import pytest

from fundus_unet.drawing.grid import GAP, prediction_grid
from fundus_unet.drawing.panel import FALSE_NEGATIVE, FALSE_POSITIVE, LARGE, OUTSIDE, TRUE_POSITIVE

SIDE = 40


@pytest.fixture(scope="module")
def grid() -> np.ndarray:
    """Quarters of the field: found, false, missed, and outside."""
    image = np.full((SIDE * 2, SIDE * 2, 3), (200, 100, 40), np.uint8)
    label, field = np.zeros((SIDE, SIDE), np.uint8), np.ones((SIDE, SIDE), bool)
    probability = np.zeros((SIDE, SIDE), np.float32)
    label[:20, :20] = label[20:, :20] = 1
    probability[:20] = 0.8
    field[20:, 20:] = False
    return prediction_grid(image, label, probability, field, tile_width=SIDE)


def tile(grid: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = GAP + row * (SIDE + LARGE.height + GAP) + LARGE.height, GAP + column * (SIDE + GAP)
    return grid[top : top + SIDE, left : left + SIDE]


def test_size(grid):
    assert grid.dtype == np.uint8
    assert grid.shape == (2 * (SIDE + LARGE.height) + 3 * GAP, 2 * SIDE + 3 * GAP, 3)


def test_what_stands_where(grid):
    assert (tile(grid, 0, 0) == (200, 100, 40)).all()
    assert tile(grid, 0, 1)[10, 10].tolist() == [255] * 3
    assert tile(grid, 0, 1)[10, 30].tolist() == [0] * 3
    assert tile(grid, 1, 0)[10, 10].tolist() == [204] * 3
    errors = tile(grid, 1, 1)
    assert tuple(errors[10, 10]) == TRUE_POSITIVE
    assert tuple(errors[10, 30]) == FALSE_POSITIVE
    assert tuple(errors[30, 10]) == FALSE_NEGATIVE
    assert tuple(errors[30, 30]) == OUTSIDE


def test_captions_are_above_each_figure(grid):
    for row in range(2):
        top = GAP + row * (SIDE + LARGE.height + GAP)
        band = grid[top : top + LARGE.height, GAP : GAP + SIDE]
        assert (band < 128).any()
        assert (band[0] == 255).all()
