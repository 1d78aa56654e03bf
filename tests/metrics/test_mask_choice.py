"""The choice on validation, beside every mask of the grid made and counted one by one."""

import numpy as np
import pytest
from scipy import ndimage

from fundus_unet.core.errors import InputError
from fundus_unet.metrics import mask_choice
from fundus_unet.metrics.mask_choice import LEAST_LENGTHS, NEARLY, THRESHOLDS, HysteresisChoice
from fundus_unet.metrics.masks import Hysteresis
from fundus_unet.metrics.topology import CentrelineOverlap, betti0_error, centreline_overlap, thinned

DIAMETER = 60.0


def image(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A map whose errors are larger than its noise, so that hysteresis helps; its label, its field of view."""
    draw = np.random.default_rng(seed)
    lines = np.zeros((72, 64), np.float32)
    for row in draw.integers(5, 65, 4):
        lines[row, 4:60] = 1
    lines[8:64, draw.integers(8, 56)] = 1
    label = (ndimage.grey_dilation(lines, size=(3, 3)) > 0).astype(np.uint8)
    noise = ndimage.gaussian_filter(draw.standard_normal(label.shape), 1.5)
    logits = 3 * ndimage.gaussian_filter(label * 2.0 - 1, 1) + 2 * noise / noise.std()
    region = np.ones(label.shape, bool)
    region[:3] = region[:, :2] = False
    return (1 / (1 + np.exp(-logits))).astype(np.float32), label, region


def scores(rule: Hysteresis, images: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[float, float, int]:
    """Pooled Dice and clDice, and the sum of errors in the number of pieces."""
    both = found = labelled = errors = 0
    overlap = CentrelineOverlap()
    for probability, label, region in images:
        mask, truth = rule.mask(probability, region, DIAMETER), (label > 0) & region
        both, found, labelled = both + (mask & truth).sum(), found + mask.sum(), labelled + truth.sum()
        thin = thinned(mask), thinned(truth)
        overlap, errors = overlap + centreline_overlap(*thin), errors + betti0_error(*thin)
    return 2 * both / (found + labelled), overlap.cldice, errors


def chosen(images: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Hysteresis:
    choice = HysteresisChoice()
    for one in images:
        choice.add(*one, DIAMETER)
    return choice.best()


@pytest.mark.parametrize("seed", [0, 10])
def test_the_best_of_the_whole_grid(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(mask_choice, "THRESHOLDS", THRESHOLDS[::3])
    monkeypatch.setattr(mask_choice, "LEAST_LENGTHS", (0.0, 0.05, 0.1, 0.3))
    images = [image(seed), image(seed + 1)]
    grid = [
        Hysteresis(low, high, least)
        for low in mask_choice.THRESHOLDS
        for high in mask_choice.THRESHOLDS
        for least in mask_choice.LEAST_LENGTHS
        if low <= high
    ]
    found = {rule: scores(rule, images) for rule in grid}
    left = found
    for number in range(2):
        highest = max(one[number] for one in left.values())
        left = {rule: one for rule, one in left.items() if one[number] >= highest - NEARLY}
    fewest = min(errors for *_, errors in left.values())
    assert chosen(images) == max((rule for rule in left if left[rule][2] == fewest), key=lambda rule: left[rule][0])
    assert len(set(found.values())) > len(grid) / 2, "the settings of the grid differ"
    plain = [one for rule, one in found.items() if rule.low == rule.high and rule.least_length == 0]
    best = found[chosen(images)]
    assert best[0] > max(dice for dice, *_ in plain) - NEARLY
    assert best[2] < max(plain)[2]


def test_the_order_of_images_does_not_matter() -> None:
    images = [image(seed) for seed in range(3)]
    assert chosen(images) == chosen(images[::-1])


def test_an_image_without_vessels_counts_against_false_ones() -> None:
    """Nearly no Dice is lost with the sure vessel alone, and three false pieces go."""
    vessel, empty = np.zeros((2, 60, 80), np.float32)
    vessel[30, 5:75] = 0.97
    for column in (10, 30, 50):
        empty[20, column] = 0.6
    region, nothing = np.ones(vessel.shape, bool), np.zeros(vessel.shape, np.uint8)
    best = chosen([(vessel, (vessel > 0).astype(np.uint8), region), (empty, nothing, region)])
    assert best.mask(vessel, region, DIAMETER).sum() == 70
    assert not best.mask(empty, region, DIAMETER).any()


def test_of_equal_settings_the_lowest() -> None:
    label = np.zeros((40, 40), np.uint8)
    label[20, 4:36] = 1
    assert chosen([(label.astype(np.float32), label, np.ones(label.shape, bool))]) == Hysteresis(
        THRESHOLDS[0], THRESHOLDS[0], LEAST_LENGTHS[0]
    )


def test_without_a_vessel_there_is_no_choice() -> None:
    with pytest.raises(InputError, match="no best mask"):
        HysteresisChoice().best()
    with pytest.raises(InputError, match="no best mask"):
        chosen([(np.full((9, 9), 0.7, np.float32), np.zeros((9, 9), np.uint8), np.ones((9, 9), bool))])
    with pytest.raises(InputError, match="no best mask"):
        chosen([(np.ones((9, 9), np.float32), np.ones((9, 9), np.uint8), np.zeros((9, 9), bool))])
