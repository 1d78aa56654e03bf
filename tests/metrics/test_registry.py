import math

import numpy as np
import pytest
import torch

from fundus_unet.metrics.histogram import probability_histogram
from fundus_unet.metrics.registry import METRICS, Counts, Metric, scores_of
from fundus_unet.metrics.topology import betti0_error, centreline_overlap, thinned


def counts_of(probability: np.ndarray, label: np.ndarray, ranked: bool = True) -> Counts:
    prediction, truth = thinned(probability >= 0.5), thinned(label)
    histogram = probability_histogram(torch.from_numpy(probability), torch.from_numpy(label))
    return Counts(histogram, 0.5, centreline_overlap(prediction, truth), betti0_error(prediction, truth), ranked)


@pytest.fixture
def label() -> np.ndarray:
    label = np.zeros((16, 16), np.uint8)
    label[4, 2:14] = label[10, 2:14] = 1
    return label


def test_a_perfect_prediction_has_the_best_value_of_every_metric(label):
    scores = scores_of(counts_of(label.astype(np.float32), label))
    assert scores.keys() == METRICS.keys()
    assert {key: value for key, value in scores.items() if value != 1} == {"betti0_error": 0, "ece": 0}


def test_a_mask_has_no_score_that_needs_ranks(label):
    scores = scores_of(counts_of(label.astype(np.float32), label, ranked=False))
    assert METRICS.keys() - scores.keys() == {"auroc", "average_precision", "ece"}


def test_counts_without_topology_have_the_other_scores(label):
    histogram = probability_histogram(torch.from_numpy(label.astype(np.float32)), torch.from_numpy(label))
    assert METRICS.keys() - scores_of(Counts(histogram)).keys() == {"cldice", "betti0_error"}


def test_pooled_scores_are_of_the_summed_pixels_and_errors_of_pieces_are_not_summed(label):
    one = counts_of(label.astype(np.float32), label)
    other = counts_of(np.where(label == 1, 0.25, 0.75).astype(np.float32), label)
    pooled = scores_of(one + other)
    assert pooled["dice"] == pytest.approx(2 * 24 / (2 * 24 + 24 + 232))
    assert "betti0_error" not in pooled
    assert {key for key, metric in METRICS.items() if not metric.pooled} == {"betti0_error"}


def test_a_metric_is_one_entry(label, monkeypatch):
    precision = Metric("precision", "precision", "prec.", lambda c: c.confusion.tp / (c.confusion.tp + c.confusion.fp))
    monkeypatch.setitem(METRICS, "precision", precision)
    half = np.full(label.shape, 0.5, np.float32)
    assert scores_of(counts_of(half, label))["precision"] == pytest.approx(24 / 256)
    assert precision.format(24 / 256) == "0.0938"


def test_undefined_scores_are_nan_and_shown_as_nothing(label):
    empty = np.zeros_like(label)
    assert math.isnan(scores_of(counts_of(empty.astype(np.float32), empty))["dice"])
    assert METRICS["dice"].format(None) == ""
