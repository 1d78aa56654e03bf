import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.histogram import BINS, probability_histogram
from fundus_unet.metrics.registry import Counts, scores_of
from fundus_unet.metrics.segmentation import (
    Confusion,
    auroc,
    average_precision,
    best_dice_threshold,
    confusion_at,
    precision_recall_curve,
    vessel_mask,
)

BINARY = ("dice", "sensitivity", "specificity", "accuracy", "mcc")
counts = st.integers(0, 10**9)


def scores_at(histogram: torch.Tensor, threshold: float) -> dict[str, float]:
    scores = scores_of(Counts(histogram, threshold))
    return {name: scores[name] for name in (*BINARY, "auroc", "average_precision")}


def binary(confusion: Confusion) -> dict[str, float]:
    return {name: getattr(confusion, name) for name in BINARY}


def example(seed: int, size: int = 4000, levels: int | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Probabilities (on `levels` even steps where given, so that they tie) of which vessels have the higher ones."""
    generator = torch.Generator().manual_seed(seed)
    label = (torch.rand(size, generator=generator) < 0.12).long()
    probability = torch.sigmoid(2.0 * torch.randn(size, generator=generator, dtype=torch.float64) + 4.0 * label - 2.0)
    return (probability if levels is None else (probability * levels).floor() / levels), label


def reference_scores(probability: torch.Tensor, label: torch.Tensor, threshold: float) -> dict[str, float]:
    truth, score = label.numpy(), probability.numpy()
    called = score >= threshold
    return {
        "dice": reference.f1_score(truth, called),
        "sensitivity": reference.recall_score(truth, called),
        "specificity": reference.recall_score(truth, called, pos_label=0),
        "accuracy": reference.accuracy_score(truth, called),
        "mcc": reference.matthews_corrcoef(truth, called),
        "auroc": reference.roc_auc_score(truth, score),
        "average_precision": reference.average_precision_score(truth, score),
    }


@pytest.mark.parametrize("levels", [BINS, 256, 4])
@pytest.mark.parametrize("threshold", [0.25, 0.5, 0.75])
def test_scores_equal_scikit_learn_where_probabilities_lie_on_bin_edges(levels, threshold):
    probability, label = example(seed=levels, levels=levels)
    expected = reference_scores(probability, label, threshold)
    got = scores_at(probability_histogram(probability, label), threshold)
    assert got.keys() == expected.keys()
    assert got == pytest.approx(expected, abs=1e-9, rel=0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0.1, 0.5, 0.87])
def test_scores_are_near_scikit_learn_for_any_probability(seed, threshold):
    probability, label = example(seed=seed, size=50_000)
    expected = reference_scores(probability, label, threshold)
    assert scores_at(probability_histogram(probability, label), threshold) == pytest.approx(expected, abs=1e-4, rel=0)


def test_saturated_float32_probabilities_are_scored_as_scikit_learn_scores_them():
    label = torch.randint(0, 2, (2000,), generator=torch.Generator().manual_seed(0))
    logits = torch.where(label == 1, 200.0, -200.0) * torch.where(torch.arange(2000) % 10 == 0, -1.0, 1.0)
    probability = torch.sigmoid(logits)
    assert set(probability.tolist()) == {0.0, 1.0}
    for threshold in (0.01, 0.5, 1.0):
        expected = reference_scores(probability, label, threshold)
        got = scores_at(probability_histogram(probability, label), threshold)
        assert got == pytest.approx(expected, abs=1e-9, rel=0)


def test_a_probability_on_the_threshold_is_vessel():
    below = float(torch.nextafter(torch.tensor(0.5), torch.tensor(0.0)))
    histogram = probability_histogram(torch.tensor([0.5, below, 0.5, below]), torch.tensor([1, 1, 0, 0]))
    assert confusion_at(histogram, 0.5) == Confusion(tp=1, fp=1, fn=1, tn=1)
    assert confusion_at(histogram, 0.0) == Confusion(tp=2, fp=2, fn=0, tn=0)
    assert confusion_at(histogram, 1.0) == Confusion(tp=0, fp=0, fn=2, tn=2)


def test_the_threshold_is_rounded_to_the_nearest_edge():
    histogram = probability_histogram(torch.tensor([0.5]), torch.tensor([1]))
    assert confusion_at(histogram, 0.5 + 0.4 / BINS).tp == 1
    assert confusion_at(histogram, 0.5 + 0.6 / BINS).tp == 0


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), threshold=st.floats(0, 1), dtype=st.sampled_from([torch.float16, torch.float32]))
def test_the_mask_holds_the_pixels_that_are_called_vessel(seed, threshold, dtype):
    _, label = example(seed=seed, size=300)
    # Near the threshold, on bin edges and between them.
    steps = torch.arange(300) - 150
    probability = (threshold + steps / (4 * BINS)).clamp(0, 1).to(dtype)
    mask, confusion = (
        vessel_mask(probability, threshold),
        confusion_at(probability_histogram(probability, label), threshold),
    )
    assert (int((mask & (label == 1)).sum()), int((mask & (label == 0)).sum())) == (confusion.tp, confusion.fp)


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_not_a_probability_is_refused(threshold):
    with pytest.raises(InputError, match="threshold"):
        confusion_at(probability_histogram(torch.tensor([0.5]), torch.tensor([1])), threshold)
    with pytest.raises(InputError, match="threshold"):
        vessel_mask(torch.tensor([0.5]), threshold)


def test_a_perfect_prediction():
    label = torch.tensor([0, 0, 1, 1])
    assert set(scores_at(probability_histogram(label.float(), label), 0.5).values()) == {1.0}


def test_an_undecided_prediction():
    label = torch.tensor([0, 0, 0, 1])
    got = scores_at(probability_histogram(torch.full((4,), 0.5), label), 0.5)
    assert got == {
        "dice": 0.4,
        "sensitivity": 1.0,
        "specificity": 0.0,
        "accuracy": 0.25,
        "mcc": 0.0,
        "auroc": 0.5,
        "average_precision": 0.25,
    }


def test_without_a_labelled_vessel():
    histogram = probability_histogram(torch.tensor([0.2, 0.8]), torch.tensor([0, 0]))
    got = scores_at(histogram, 0.5)
    assert (got["dice"], got["specificity"], got["accuracy"], got["mcc"]) == (0.0, 0.5, 0.5, 0.0)
    assert all(math.isnan(got[name]) for name in ("sensitivity", "auroc", "average_precision"))
    assert math.isnan(confusion_at(histogram, 0.9).dice)
    with pytest.raises(InputError, match="vessel"):
        best_dice_threshold(histogram)
    with pytest.raises(InputError, match="vessel"):
        precision_recall_curve(histogram)


def test_without_labelled_background():
    got = scores_at(probability_histogram(torch.tensor([0.2, 0.8]), torch.tensor([1, 1])), 0.5)
    assert (got["sensitivity"], got["accuracy"], got["mcc"], got["average_precision"]) == (0.5, 0.5, 0.0, 1.0)
    assert got["dice"] == pytest.approx(2 / 3)
    assert math.isnan(got["specificity"])
    assert math.isnan(got["auroc"])


def test_without_a_pixel_scores_are_refused():
    nothing = torch.zeros(2, 2, dtype=torch.bool)
    histogram = probability_histogram(torch.rand(2, 2), torch.zeros(2, 2), nothing)
    for score in (auroc, average_precision, best_dice_threshold, precision_recall_curve):
        with pytest.raises(InputError, match="no pixel"):
            score(histogram)
    with pytest.raises(InputError, match="no pixel"):
        scores_at(histogram, 0.5)


def test_scores_of_no_pixels_are_nan():
    assert all(math.isnan(value) for value in binary(Confusion(0, 0, 0, 0)).values())


def test_pixel_counts_of_large_sets_do_not_overflow():
    histogram = torch.zeros(2, BINS, dtype=torch.int64)
    histogram[0, :2] = 4 * 10**9
    histogram[1, 1:3] = 10**9
    got = scores_at(histogram, 1 / BINS)
    assert got["dice"] == pytest.approx(2 / 4 * 2 / (2 / 4 * 2 + 1))
    assert got["mcc"] == pytest.approx(8e18 / math.sqrt(6e9 * 2e9 * 8e9 * 4e9))
    assert got["auroc"] == pytest.approx(0.5 * (0.5 + 0.25) + 0.5)
    assert got["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 6)


def test_the_best_threshold_is_found_on_a_grid_of_hundredths():
    probability, label = example(seed=3)
    truth, score = label.numpy(), probability.numpy()
    by_threshold = [reference.f1_score(truth, score >= step / 100) for step in range(1, 100)]
    best = best_dice_threshold(probability_histogram(probability, label))
    assert best == (1 + int(np.argmax(by_threshold))) / 100


def test_the_best_threshold_is_the_lowest_of_equals():
    histogram = probability_histogram(torch.tensor([0.105, 0.305]), torch.tensor([0, 1]))
    assert best_dice_threshold(histogram) == 0.11


def test_every_point_of_the_curve_is_an_operating_point():
    probability, label = example(seed=5, levels=64)
    histogram = probability_histogram(probability, label)
    precision, recall, threshold = precision_recall_curve(histogram, points=40)
    assert precision.shape == recall.shape == threshold.shape == (40,)
    for at in range(40):
        confusion = confusion_at(histogram, float(threshold[at]))
        assert float(recall[at]) == confusion.sensitivity >= (at + 1) / 40
        assert float(precision[at]) == confusion.tp / (confusion.tp + confusion.fp)
        # The highest threshold that reaches this recall.
        if threshold[at] < 1 - 1 / BINS:
            assert confusion_at(histogram, float(threshold[at]) + 1 / BINS).sensitivity < (at + 1) / 40
    expected = reference.precision_recall_curve(label.numpy(), probability.numpy())
    points = set(zip(expected[0].tolist(), expected[1].tolist(), strict=True))
    assert set(zip(precision.tolist(), recall.tolist(), strict=True)) <= points


def test_a_curve_without_points_is_refused():
    with pytest.raises(InputError, match="points"):
        precision_recall_curve(probability_histogram(torch.rand(2), torch.tensor([0, 1])), points=0)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_a_hard_mask_is_scored_as_scikit_learn_scores_it(dtype):
    probability, label = example(seed=7)
    prediction, region = (probability >= 0.3).to(dtype), torch.arange(len(label)) % 3 != 0
    expected = reference_scores(prediction[region].double(), label[region], 0.5)
    got = binary(confusion_at(probability_histogram(prediction, label, region), 0.5))
    assert got == pytest.approx({name: expected[name] for name in BINARY}, abs=1e-9, rel=0)


@given(tp=counts, fp=counts, fn=counts, tn=counts)
def test_scores_stay_in_their_range(tp, fp, fn, tn):
    got = binary(Confusion(tp, fp, fn, tn))
    for name in ("dice", "sensitivity", "specificity", "accuracy"):
        assert math.isnan(got[name]) or 0.0 <= got[name] <= 1.0
    assert math.isnan(got["mcc"]) or -1.0 - 1e-12 <= got["mcc"] <= 1.0 + 1e-12


@given(tp=counts, fp=counts, fn=counts, tn=counts)
def test_dice_accuracy_and_mcc_do_not_care_which_mask_is_the_label(tp, fp, fn, tn):
    one, other = binary(Confusion(tp, fp, fn, tn)), binary(Confusion(tp, fn, fp, tn))
    for name in ("dice", "accuracy", "mcc"):
        assert one[name] == pytest.approx(other[name], nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), levels=st.sampled_from([2, 5, 300, BINS]))
def test_ranking_scores_mirror_and_confusion_falls_with_the_threshold(seed, levels):
    probability, label = example(seed=seed, size=80, levels=levels)
    label[0], label[1] = 0, 1
    histogram = probability_histogram(probability, label)
    # Mirrored bins rank the pixels the other way round.
    assert auroc(histogram) + auroc(histogram.flip(1)) == pytest.approx(1.0)
    assert auroc(histogram.flip(0)) == pytest.approx(1.0 - auroc(histogram))
    assert 0.0 < average_precision(histogram) <= 1.0 + 1e-12
    called = [confusion_at(histogram, step / 10) for step in range(11)]
    assert all(low.tp >= high.tp and low.fp >= high.fp for low, high in itertools.pairwise(called))
    assert confusion_at(histogram, best_dice_threshold(histogram)).dice >= max(c.dice for c in called[1:10])
