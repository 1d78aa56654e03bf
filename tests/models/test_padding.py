import numpy as np
import pytest
import torch

from fundus_unet.models.padding import crop_to, pad_to_multiple
from tensors import noise


@pytest.mark.parametrize("multiple", [1, 2, 8])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 8), (8, 16), (13, 5)])
def test_pads_below_and_right_with_the_border(size, multiple):
    image = noise(2, 3, *size)
    below, right = (-(-side // multiple) * multiple - side for side in size)
    padded = pad_to_multiple(image, multiple)
    assert np.array_equal(padded, np.pad(image, ((0, 0), (0, 0), (0, below), (0, right)), mode="edge"))
    assert torch.equal(crop_to(padded, size), image)


def test_cropping_keeps_the_upper_left():
    assert crop_to(torch.arange(12).view(1, 1, 3, 4), (2, 3)).tolist() == [[[[0, 1, 2], [4, 5, 6]]]]
