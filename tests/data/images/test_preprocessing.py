"""To the working resolution and back, without moving a vessel."""

import numpy as np
import pytest
import torch

from data.layouts import draw
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor, normalize, probability_at, resize_array
from tensors import noise


def disc(shape: tuple[int, int], radius: float) -> np.ndarray:
    rows, columns = np.indices(shape)
    return np.hypot(rows - (shape[0] - 1) / 2, columns - (shape[1] - 1) / 2) <= radius


@pytest.mark.parametrize(("scale", "diameter"), [(None, None), (0.5, 300), (0, None), (-1.0, None), (None, 0)])
def test_the_working_resolution_is_given_one_way(scale, diameter):
    with pytest.raises(InputError, match="working resolution"):
        Preprocessor(scale, diameter)


@pytest.mark.parametrize(("scale", "expected"), [(0.5, (50, 60)), (2, (200, 240)), (0.33, (33, 40)), (1e-6, (1, 1))])
def test_a_scale_sets_the_size(scale, expected):
    assert Preprocessor(scale=scale).working_size(np.ones((100, 120), bool)) == expected


@pytest.mark.parametrize("radius", [80, 110], ids=["whole", "cut off by the frame"])
def test_a_diameter_sets_the_size(radius):
    field = disc((200, 240), radius)
    assert Preprocessor(fov_diameter=radius / 2).working_size(field) == (50, 60)
    assert Preprocessor(fov_diameter=radius * 4).working_size(field) == pytest.approx((400, 480), rel=0.01)


@pytest.mark.parametrize("scale", [1, 0.5, 1.7])
def test_normalised_inside_the_field_and_zero_outside(scale):
    photo, _, _, mask = draw(0)
    photo[mask == 0] = 90  # a border that is not black must not enter
    working = Preprocessor(scale=scale).prepare(photo, mask > 0)
    values, inside = working.tensor().numpy(), working.field_of_view
    assert values[:, inside].mean(axis=1) == pytest.approx(np.zeros(3), abs=1e-4)
    assert values[:, inside].std(axis=1) == pytest.approx(np.ones(3), abs=1e-4)
    assert not values[:, ~inside].any()
    if scale == 1:
        channel = photo[..., 1][mask > 0].astype(float)
        np.testing.assert_allclose(values[1, inside], (channel - channel.mean()) / channel.std(), atol=1e-4)


@pytest.mark.parametrize("shape", [(7, 5), (1, 1), (64, 96)])
def test_normalised_values_are_exactly_those_of_the_formula(shape):
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
    inside = random.random(shape) > 0.3
    mean, std = np.float32([90.3, 60.1, 30.7]), np.float32([31.3, 20.9, 0.4])
    expected = (image.astype(np.float32) - mean) / np.maximum(std, 1) * inside[..., None]
    every_other = normalize(np.repeat(image, 2, axis=1)[:, ::2], inside, mean, std)  # not contiguous
    for got in (normalize(image, inside, mean, std), every_other):
        assert np.array_equal(got.numpy(), expected.transpose(2, 0, 1))


def test_a_constant_image_is_zero():
    working = Preprocessor(scale=1).prepare(np.full((20, 30, 3), 77, np.uint8), np.ones((20, 30), bool))
    assert not working.tensor().any()


def test_the_field_is_resized_by_majority():
    field = disc((100, 120), 41)
    working = Preprocessor(scale=0.5).prepare(np.zeros((100, 120, 3), np.uint8), field)
    np.testing.assert_array_equal(working.field_of_view, field.reshape(50, 2, 60, 2).mean(axis=(1, 3)) >= 0.5)


@pytest.mark.parametrize("centre", [(25.3, 120.8), (96.0, 31.5)])
@pytest.mark.parametrize("scale", [0.25, 0.37, 0.5, 1.7, 2, 3])
def test_a_blob_returns_to_its_place(scale, centre):
    shape = 120, 150
    size = Preprocessor(scale=scale).working_size(np.ones(shape, bool))
    rows, columns = ((np.arange(n) + 0.5) * full / n - 0.5 for n, full in zip(size, shape, strict=True))
    squared = (rows[:, None] - centre[0]) ** 2 + (columns - centre[1]) ** 2
    logits = torch.from_numpy(12 * np.exp(-squared / 128) - 6)[None, None]
    probability = probability_at(logits, shape, torch.ones(1, 1, *shape, dtype=torch.bool))[0, 0].numpy()
    weight = np.where(probability > 0.1, probability, 0)
    found = [(index * weight).sum() / weight.sum() for index in np.indices(shape)]
    assert found == pytest.approx(centre, abs=0.1)


def test_zero_outside_the_field_and_untouched_at_equal_size():
    logits = noise(2, 1, 17, 23) * 4
    field = torch.from_numpy(disc((17, 23), 8)).expand(2, 1, 17, 23)
    probability = probability_at(logits, (17, 23), field)
    torch.testing.assert_close(probability[field], torch.sigmoid(logits)[field])
    assert not probability[~field].any()
    assert probability_at(logits.bfloat16(), (5, 9), torch.ones(2, 1, 5, 9, dtype=torch.bool)).dtype == torch.float32


def test_shrinking_averages_areas():
    array = np.random.default_rng(0).random((60, 80, 3), np.float32)
    np.testing.assert_allclose(resize_array(array, (20, 16)), array.reshape(20, 3, 16, 5, 3).mean((1, 3)), atol=1e-5)
    assert resize_array(array, (23, 31)).mean() == pytest.approx(array.mean(), abs=1e-4)
    assert resize_array(array, (60, 80)) is array


def test_growing_keeps_pixel_centres():
    ramp = np.arange(40, dtype=np.float32)[None].repeat(10, axis=0)
    grown = resize_array(ramp, (20, 80))
    np.testing.assert_allclose(grown[:, 1:-1], np.broadcast_to((np.arange(80) / 2 - 0.25)[1:-1], (20, 78)), atol=1e-4)


@pytest.mark.parametrize("phase", range(4))
def test_shrinking_logits_leaves_no_pixel_out(phase):
    logits = torch.zeros(1, 1, 40, 40)
    logits[..., phase::4] = 4
    probability = probability_at(logits, (10, 10), torch.ones(1, 1, 10, 10, dtype=torch.bool))
    torch.testing.assert_close(probability[..., 1:-1], torch.sigmoid(torch.ones(1, 1, 10, 8)))


def test_a_working_image_that_no_memory_holds_is_refused():
    with pytest.raises(InputError, match="too large at working resolution"):
        Preprocessor(scale=64).working_size(np.ones((1000, 1000), bool))
