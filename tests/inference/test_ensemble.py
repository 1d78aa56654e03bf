"""The mean of several networks' maps and how far they differ, by value."""

import numpy as np
import pytest
import torch
from torch import nn

from data.layouts import draw
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.ensemble import Ensemble
from fundus_unet.inference.predictor import Predictor
from fundus_unet.inference.tiling import Tiling

CPU = torch.device("cpu")


class Slanted(nn.Module):
    """Logits that grow along the image's rows, as no turned copy agrees with."""

    size_multiple = 2

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, image):
        columns = torch.linspace(-1, 1, image.shape[-1])
        return image[:, 1:2] * 0.5 + self.slope * columns


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


@pytest.fixture
def sample():
    image, _, _, mask = draw(0)
    return Preprocessor(scale=1).prepare(image, mask > 0), mask > 0


def logits_of(sample, slope: float) -> np.ndarray:
    working, field = sample
    return working.tensor().numpy()[1] * 0.5 + slope * np.linspace(-1, 1, field.shape[1])


def test_mean_and_spread_of_members(sample):
    slopes = (0, 1, 3)
    ensemble = Ensemble([Predictor(Slanted(slope), CPU, None) for slope in slopes])
    (maps,) = ensemble.maps([sample[0]], [sample[1]], uncertainty=True)
    expected = np.stack([sigmoid(logits_of(sample, slope)) * sample[1] for slope in slopes])
    np.testing.assert_allclose(maps.probability, expected.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(maps.uncertainty, expected.std(axis=0), atol=1e-6)
    assert maps.uncertainty.dtype == maps.probability.dtype == np.float32
    assert not maps.uncertainty[~sample[1]].any()
    assert ensemble.maps([sample[0]], [sample[1]])[0].uncertainty is None


def test_spread_of_turned_copies(sample):
    (maps,) = Predictor(Slanted(2), CPU, None, symmetries="flips").maps([sample[0]], [sample[1]], uncertainty=True)
    one, other = (sigmoid(logits_of(sample, slope)) for slope in (2, -2))
    np.testing.assert_allclose(maps.uncertainty, np.abs(one - other) / 2 * sample[1], atol=1e-6)
    plain = Predictor(Slanted(2), CPU, None, symmetries="flips").probability(*sample)
    np.testing.assert_array_equal(maps.probability, plain)


def test_members_with_turned_copies(sample):
    members = [Predictor(Slanted(slope), CPU, None, symmetries="flips") for slope in (1, 2)]
    assert Ensemble(members).maps_per_image == 8
    (maps,) = Ensemble(members).maps([sample[0]], [sample[1]], uncertainty=True)
    alone = [member.maps([sample[0]], [sample[1]], uncertainty=True)[0] for member in members]
    within = np.mean([np.square(one.uncertainty) for one in alone], axis=0)
    between = np.var([one.probability for one in alone], axis=0)
    np.testing.assert_allclose(maps.uncertainty, np.sqrt(within + between), atol=1e-6)


def test_a_batch_is_what_its_images_are(sample):
    image, _, _, mask = draw(1)
    other = Preprocessor(scale=1).prepare(image, mask > 0), mask > 0
    ensemble = Ensemble([Predictor(Slanted(slope), CPU, None) for slope in (0, 2)])
    together = ensemble.maps([sample[0], other[0]], [sample[1], other[1]], uncertainty=True)
    for found, (working, field) in zip(together, (sample, other), strict=True):
        (alone,) = ensemble.maps([working], [field], uncertainty=True)
        np.testing.assert_allclose(found.probability, alone.probability, atol=1e-6)
        np.testing.assert_allclose(found.uncertainty, alone.uncertainty, atol=1e-6)


class Local(nn.Module):
    """Sees its neighbours only, and its answer depends on how the image is turned."""

    size_multiple = 2

    def forward(self, image):
        return image[:, 1:2] + 2 * torch.roll(image[:, 1:2], 1, -1)


def test_spread_in_tiles_is_that_of_the_whole():
    image, _, _, mask = draw(0, (120, 150))
    working = Preprocessor(scale=1).prepare(image, mask > 0)
    tiling = Tiling(48, 2, 2)
    whole, tiled = (
        Predictor(Local(), CPU, None, tiling=cut, symmetries="d4").maps([working], [mask > 0], uncertainty=True)[0]
        for cut in (None, tiling)
    )
    assert whole.uncertainty.max() > 0.1
    np.testing.assert_allclose(tiled.uncertainty, whole.uncertainty, atol=2e-6)
    np.testing.assert_allclose(tiled.probability, whole.probability, atol=2e-6)


def test_on_the_original_grid_where_the_working_resolution_is_another():
    image, _, _, mask = draw(0, (120, 150))
    for scale in (0.5, 1.7):
        working = Preprocessor(scale=scale).prepare(image, mask > 0)
        (maps,) = Predictor(Slanted(2), CPU, None, symmetries="flips").maps([working], [mask > 0], uncertainty=True)
        assert maps.uncertainty.shape == maps.probability.shape == mask.shape
        assert 0 < maps.uncertainty.max() <= 0.5
        assert not maps.uncertainty[mask == 0].any()


def test_in_bfloat16(sample):
    class Convolved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.conv = nn.Conv2d(3, 1, 5, padding=2)

        def forward(self, image):
            return 4 * self.conv(image)

    network = Convolved()
    full, half = (
        Predictor(network, CPU, dtype, symmetries="d4").maps([sample[0]], [sample[1]], uncertainty=True)[0]
        for dtype in (None, torch.bfloat16)
    )
    assert half.uncertainty.dtype == np.float32
    assert 0 < np.abs(full.uncertainty - half.uncertainty).max() < 0.02
