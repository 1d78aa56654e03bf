"""The pair of small pictures that the page shows."""

import numpy as np
import pytest

from fundus_unet.drawing.thumbnail import SIDE, thumbnail_pair


@pytest.mark.parametrize(
    ("size", "small"),
    [((600, 800), (192, 256)), ((800, 400), (256, 128)), ((40, 60), (40, 60)), ((5, 9000), (1, 256))],
)
def test_the_longer_side_is_256_at_most(size, small):
    pair = thumbnail_pair(np.full((*size, 3), 90, np.uint8), np.zeros(size, bool))
    assert pair.shape == (small[0], 2 * small[1], 3)
    assert pair.dtype == np.uint8
    assert (pair == 90).all()


def test_the_right_half_shows_the_vessels_and_the_left_one_the_image():
    image = np.full((1024, 1024, 3), (150, 60, 20), np.uint8)
    mask = np.zeros((1024, 1024), bool)
    mask[:, 512:516] = True  # one pixel of the small picture
    mask[100:102] = True  # half a pixel, still to be seen
    left, right = np.split(thumbnail_pair(image, mask).astype(int), 2, axis=1)
    assert left.shape == (SIDE, SIDE, 3)
    assert (left == (150, 60, 20)).all()
    assert (right[200, 128] == (0, 200, 255)).all()
    assert (right[25, 30] == (0, 200, 255)).all()
    assert (right[200, 10] == (150, 60, 20)).all()
