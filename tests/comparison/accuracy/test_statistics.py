"""Intervals cover what they say, and noise is not called a difference."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fundus_unet.comparison.accuracy.statistics import Difference, bootstrap_interval, holm, paired_differences
from fundus_unet.core.errors import InputError

SPREADS = [(1.0, 0.3, 0.3), (0.2, 1.0, 0.5), (1.0, 1.0, 1.0), (0.0, 1.0, 0.5)]


def sample(random: np.random.Generator, spreads: tuple[float, float, float], seeds: int = 3, images: int = 8):
    of_seed, of_image, rest = spreads
    return (
        random.normal(0, of_seed, (seeds, 1))
        + random.normal(0, of_image, (1, images))
        + random.normal(0, rest, (seeds, images))
    )


@pytest.mark.parametrize("spreads", SPREADS)
def test_intervals_cover_and_noise_is_rarely_called_a_difference(spreads) -> None:
    random = np.random.default_rng(0)
    trials, covered, called = 300, 0, 0
    for trial in range(trials):
        differences = sample(random, spreads)
        low, high = bootstrap_interval(differences, draws=400, seed=trial)
        covered += low <= 0 <= high
        called += paired_differences({"variant": differences}, draws=400, seed=trial)["variant"].verdict != "none"
    assert covered / trials > 0.88  # 0.95, less the error of 300 trials and of three seeds
    assert called / trials < 0.12


def test_a_difference_larger_than_its_noise_is_found_with_its_sign() -> None:
    noise = sample(np.random.default_rng(1), (0.05, 0.2, 0.1))
    found = paired_differences({"better": 1 + noise, "worse": noise - 1, "same": noise - noise.mean()})
    assert {name: difference.verdict for name, difference in found.items()} == {
        "better": "higher",
        "worse": "lower",
        "same": "none",
    }
    better = found["better"]
    assert better.mean == pytest.approx(1 + noise.mean())
    assert better.p == stats.wilcoxon((1 + noise).mean(axis=0)).pvalue == 2 / 2**8 == better.smallest_p
    assert better.corrected_p == 3 * better.p
    assert better.seed_spread == pytest.approx(np.std(noise.mean(axis=1), ddof=1))
    low, high = better.interval
    corrected_low, corrected_high = better.corrected_interval
    assert corrected_low < low < better.mean < high < corrected_high


def test_each_condition_alone_prevents_a_verdict() -> None:
    real = Difference(1.0, 3, 8, (0.5, 1.5), (0.4, 1.6), 0.1, 0.01, 0.02, 0.01)
    assert real.verdict == "higher"
    assert replace(real, corrected_interval=(-0.1, 1.6)).verdict == "none"
    assert replace(real, corrected_p=0.06).verdict == "none"
    assert replace(real, seed_spread=1.1).verdict == "none"
    assert replace(real, corrected_interval=None).verdict == "unknown"


def test_one_seed_or_one_image_gives_no_interval() -> None:
    for shape in ((1, 8), (3, 1)):
        found = paired_differences({"variant": np.ones(shape)})["variant"]
        assert (found.mean, found.interval, found.p, found.verdict) == (1.0, None, None, "unknown")


def test_no_difference_at_all() -> None:
    found = paired_differences({"variant": np.zeros((3, 8))})["variant"]
    assert (found.p, found.interval, found.verdict) == (1.0, (0.0, 0.0), "none")


def test_images_without_a_value_are_left_out() -> None:
    differences = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    found = paired_differences({"variant": differences})["variant"]
    assert (found.mean, found.images) == (2.0, 2)
    with pytest.raises(InputError, match="undefined on every image"):
        paired_differences({"variant": np.full((2, 2), np.nan)})
    with pytest.raises(InputError, match="cannot be paired"):
        paired_differences({"variant": np.zeros(3)})


def test_holm_by_hand() -> None:
    corrected = holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert corrected == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_raw_and_bonferronis_values_and_keeps_the_order(values) -> None:
    raw = {str(number): value for number, value in enumerate(values)}
    corrected = holm(raw)
    for name, value in raw.items():
        assert value <= corrected[name] <= min(1.0, value * len(raw))
    order = sorted(raw, key=lambda name: raw[name])
    assert [corrected[name] for name in order] == sorted(corrected.values())


@pytest.mark.parametrize("seeds", [1, 3])
def test_folds_are_resampled_whole(seeds) -> None:
    """Images of a fold share a training: as if each were one of its own, intervals would be far too narrow."""
    random = np.random.default_rng(5)
    folds = np.repeat(range(7), 4)
    trials, covered, covered_by_images = 300, 0, 0
    for trial in range(trials):
        of_fold = random.normal(0, 1, (seeds, 7)) + random.normal(0, 0.5, 7)
        differences = of_fold[:, folds] + random.normal(0, 0.3, (seeds, 28))
        low, high = bootstrap_interval(differences, draws=400, seed=trial, folds=folds)
        covered += low <= 0 <= high
        low, high = bootstrap_interval(np.repeat(differences, 2, axis=0), draws=400, seed=trial)
        covered_by_images += low <= 0 <= high
    assert covered / trials > 0.9
    assert covered_by_images / trials < 0.85


def test_a_fold_of_its_own_for_each_image_is_the_same_as_images() -> None:
    differences = sample(np.random.default_rng(2), (0.2, 1.0, 0.5))
    assert bootstrap_interval(differences, folds=np.arange(8)) == pytest.approx(bootstrap_interval(differences))


def test_with_folds_one_seed_is_enough() -> None:
    folds = [0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4]
    noise = np.random.default_rng(4).normal(0, 0.1, (1, 11))
    found = paired_differences({"better": 1 + noise, "same": noise - noise.mean()}, folds)
    assert (found["better"].verdict, found["same"].verdict) == ("higher", "none")
    assert (found["better"].folds, found["better"].seed_spread) == (5, None)
    assert found["better"].mean == pytest.approx(1 + noise.mean())
    low, high = found["better"].interval
    assert low < found["better"].mean < high
    undefined = noise.copy()
    undefined[0, 2:] = np.nan  # one fold is left
    assert paired_differences({"one": undefined}, folds)["one"].verdict == "unknown"
