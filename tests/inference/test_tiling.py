"""Tiles give what the whole image gives, and their weights sum to 1."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.predictor import Predictor
from fundus_unet.inference.tiling import Tiling, predict_tiled
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.unet import UNet
from upsampling.cases import CASES

CPU = torch.device("cpu")


@settings(deadline=None)
@given(
    multiple=st.sampled_from([2, 4, 8]),
    reach_units=st.integers(1, 8),
    extra=st.integers(0, 200),
    length=st.integers(1, 3000),
)
def test_weights_sum_to_one_and_ignore_what_padding_reaches(multiple, reach_units, extra, length):
    reach = reach_units * multiple
    tiling = Tiling(2 * (2 * reach + 4 * multiple) + multiple + extra, reach, multiple)
    spans = tiling.spans(length)
    weights = tiling.weights(spans)
    total = torch.zeros(length)
    for (start, stop), weight in zip(spans, weights, strict=True):
        assert start % multiple == 0
        assert 0 < stop - start <= tiling.tile
        assert len(weight) == stop - start
        total[start:stop] += weight
        if start > 0:
            assert not weight[:reach].any()
        if stop < length:
            assert not weight[-reach:].any()
    torch.testing.assert_close(total, torch.ones(length))
    assert spans[0][0] == 0
    assert spans[-1][1] == length


def sample(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width]
    field = np.hypot((rows - height / 2) / height, (columns - width / 2) / width) < 0.49
    return random.integers(0, 255, (height, width, 3), dtype=np.uint8) * field[..., None].astype(np.uint8), field


@pytest.mark.parametrize(
    ("case", "symmetries"),
    [*((case, "none") for case in CASES), *((case, "d4") for case in CASES[:3])],
    ids=lambda value: getattr(value, "name", value),
)
def test_tiled_equals_whole(case, symmetries):
    torch.manual_seed(1)
    network = UNet(3, 1, [4, 6, 8], case.factory, MaxPoolDownsampler).double().eval()
    image, field = sample(232, 301)
    working = Preprocessor(scale=1).prepare(image, field)
    tiling = Tiling.of(176, network.size_multiple, network.context)
    assert len(tiling.spans(301)) > 2
    whole, tiled = (
        Predictor(InDouble(network), CPU, None, tiling=cut, symmetries=symmetries).probability(working, field)
        for cut in (None, tiling)
    )
    np.testing.assert_allclose(tiled, whole, atol=2e-6)


class InDouble(nn.Module):
    """So that what remains of a difference is not rounding, which depends on the size of the image."""

    def __init__(self, network: UNet) -> None:
        super().__init__()
        self.network = network
        self.size_multiple = network.size_multiple

    def forward(self, image):
        return self.network(image.double())


def test_tiles_without_field_of_view_are_not_predicted():
    field = np.zeros((64, 400), bool)
    field[:, 300:] = True
    seen = []

    def predict(rows, columns):
        seen.append((columns.start, columns.stop))
        return torch.ones(1, rows.stop - rows.start, columns.stop - columns.start)

    tiling = Tiling(100, 8, 2)
    logits = predict_tiled(predict, field, tiling)
    assert 0 < len(seen) < len(tiling.spans(400))
    assert all(stop > 300 for _, stop in seen)
    torch.testing.assert_close(logits[0, :, 300:], torch.ones(64, 100))


@pytest.mark.parametrize(("tile", "reach"), [(1024, 184), (512, 56), (416, 32)])
def test_tiles_of_a_network_that_sees_farther_overlap_by_half(tile, reach):
    tiling = Tiling.of(tile, 32, None)
    assert tiling.reach == reach
    assert tile / 4 < tiling.overlap <= tile / 2
    with pytest.raises(InputError, match="tile >= 416"):
        Tiling.of(415, 32, None)


@pytest.mark.parametrize("tile", [10, 327, 512.5, True])
def test_a_tile_that_is_all_overlap_is_refused(tile):
    with pytest.raises(InputError, match="tile >= 328"):
        Tiling(tile, 64, 8)
