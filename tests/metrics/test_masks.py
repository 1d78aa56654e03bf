"""A mask by hysteresis, beside scikit-image and SciPy on the same maps, and in its edge cases."""

import math

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import apply_hysteresis_threshold
from skimage.measure import label, regionprops

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.masks import Hysteresis, Threshold, pieces_of

DIAMETER = 90.0
EVERYWHERE = np.ones((96, 128), bool)
EIGHT = np.ones((3, 3))


def smooth_noise(seed: int, size: tuple[int, int] = (96, 128)) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(size), 2)
    return (1 / (1 + np.exp(-8 * noise / noise.std() / 3))).astype(np.float32)


def of_four_connected(probability: np.ndarray) -> np.ndarray:
    """The same with every pixel of it, and the edge between two, four times: no two pieces touch at a corner alone."""
    return ndimage.grey_erosion(np.kron(probability, np.ones((3, 3), np.float32)), size=(3, 3))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("low", "high"), [(0.3, 0.6), (0.5, 0.5), (0.4, 0.95)])
def test_it_is_the_low_mask_where_the_high_one_spreads_to(seed: int, low: float, high: float) -> None:
    probability = smooth_noise(seed)
    expected = ndimage.binary_propagation(probability >= high, structure=EIGHT, mask=probability >= low)
    found = Hysteresis(low, high).mask(probability, EVERYWHERE, DIAMETER)
    np.testing.assert_array_equal(found, expected)
    assert expected.any()


@pytest.mark.parametrize("seed", range(3))
def test_it_is_scikit_images_where_no_pieces_touch_at_corners(seed: int) -> None:
    probability = of_four_connected(smooth_noise(seed))
    region = np.ones(probability.shape, bool)
    assert label(probability >= 0.35, connectivity=1).max() == label(probability >= 0.35, connectivity=2).max()
    expected = apply_hysteresis_threshold(probability, 0.35, 0.7)
    np.testing.assert_array_equal(Hysteresis(0.35, 0.7).mask(probability, region, DIAMETER), expected)
    assert expected.sum() < (probability >= 0.35).sum()


def test_pieces_shorter_than_the_least_length_are_dropped() -> None:
    probability = smooth_noise(5)
    kept = np.zeros_like(EVERYWHERE)
    dropped = 0
    for piece in regionprops(label(probability >= 0.4, connectivity=2)):
        top, left, bottom, right = piece.bbox
        is_long = 1 + math.dist((top, left), (bottom - 1, right - 1)) >= 0.2 * DIAMETER
        if is_long and probability[tuple(piece.coords.T)].max() >= 0.6:
            kept[tuple(piece.coords.T)] = True
        dropped += not is_long
    assert dropped > 2
    assert kept.any()
    np.testing.assert_array_equal(Hysteresis(0.4, 0.6, 0.2).mask(probability, EVERYWHERE, DIAMETER), kept)


def test_a_least_length_is_the_same_at_every_resolution() -> None:
    probability = smooth_noise(6)
    rule = Hysteresis(0.4, 0.6, 0.15)
    small = rule.mask(probability, EVERYWHERE, DIAMETER)
    large = rule.mask(np.kron(probability, np.ones((3, 3), np.float32)), np.ones((288, 384), bool), 3 * DIAMETER)
    np.testing.assert_array_equal(large[1::3, 1::3], small)
    assert small.sum() < Hysteresis(0.4, 0.6).mask(probability, EVERYWHERE, DIAMETER).sum()


def test_the_lengths_of_simple_pieces() -> None:
    mask = np.zeros((40, 40), bool)
    mask[1, 1] = mask[5, 3:13] = True
    mask[np.arange(10, 20), np.arange(10, 20)] = True
    assert list(pieces_of(mask).lengths[1:]) == pytest.approx([1, 10, 1 + 9 * math.sqrt(2)])


@pytest.mark.parametrize("threshold", [0.0, 0.37, 0.5, 1.0])
def test_two_equal_thresholds_and_no_length_are_one_threshold(threshold: float) -> None:
    probability = np.round(smooth_noise(7), 2)
    expected = Threshold(threshold).mask(probability, EVERYWHERE, DIAMETER)
    np.testing.assert_array_equal(Hysteresis(threshold, threshold).mask(probability, EVERYWHERE, DIAMETER), expected)
    assert expected.sum() == (probability >= threshold).sum() or threshold == 1


def test_pieces_are_found_inside_the_field_of_view_alone() -> None:
    """A faint vessel is sure outside, and one piece inside is joined to another outside."""
    probability = np.zeros((20, 40), np.float32)
    probability[5, 5:30] = 0.5
    probability[5, 25:30] = 0.9
    region = np.zeros(probability.shape, bool)
    region[:, :20] = True
    assert not Hysteresis(0.4, 0.7).mask(probability, region, 20).any()
    np.testing.assert_array_equal(Hysteresis(0.4, 0.45).mask(probability, region, 20), (probability > 0.4) & region)
    assert not Hysteresis(0.4, 0.45, 0.8).mask(probability, region, 20).any(), "15 pixels of it are inside"
    assert Hysteresis(0.4, 0.45, 0.75).mask(probability, region, 20).sum() == 15
    assert not Threshold(0.4).mask(probability, region, 20)[:, 20:].any()


@pytest.mark.parametrize("rule", [Threshold(0.5), Hysteresis(0.4, 0.7, 0.02)])
@pytest.mark.parametrize("value", [0.0, 0.45])
def test_a_map_without_a_vessel_gives_an_empty_mask(rule: Threshold | Hysteresis, value: float) -> None:
    probability = np.full(EVERYWHERE.shape, value, np.float32)
    for region in (EVERYWHERE, ~EVERYWHERE):
        mask = rule.mask(probability, region, DIAMETER)
        assert mask.dtype == bool
        assert mask.shape == probability.shape
        assert not mask.any()


@pytest.mark.parametrize("rule", [Threshold(0.5), Hysteresis(0.4, 0.7)])
def test_a_map_that_is_all_vessel_gives_the_whole_field_of_view(rule: Threshold | Hysteresis) -> None:
    region = EVERYWHERE.copy()
    region[:10] = False
    np.testing.assert_array_equal(rule.mask(np.ones(region.shape, np.float32), region, DIAMETER), region)


@pytest.mark.parametrize(
    ("low", "high", "length", "words"),
    [
        (0.7, 0.4, 0, "low <= high"),
        (-0.1, 0.4, 0, "low <= high"),
        (0.4, 1.1, 0, "low <= high"),
        (math.nan, 0.4, 0, "low <= high"),
        (0.4, math.nan, 0, "low <= high"),
        (0.4, 0.7, math.nan, "diameters"),
        (0.4, 0.7, -0.1, "diameters"),
        (0.4, 0.7, 5, "diameters"),
    ],
)
def test_values_that_make_no_hysteresis_are_refused(low: float, high: float, length: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Hysteresis(low, high, length)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float) -> None:
    with pytest.raises(InputError, match="0 to 1"):
        Threshold(threshold)
