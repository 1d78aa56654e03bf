"""Calibration: maps whose error is known, and the error of torchmetrics."""

import math

import pytest
import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_calibration_error

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.calibration import CALIBRATION_BINS, bin_at, calibration_bins, expected_calibration_error
from fundus_unet.metrics.histogram import BINS, probability_histogram

STEP = 1 / BINS
"""By how much a probability is rounded at most."""


def histogram_of(probability: Tensor, label: Tensor) -> Tensor:
    return probability_histogram(probability, label.int())


def calibrated(shift: int = 0) -> Tensor:
    """Each bin has as many vessels as its probability says; all moved up by `shift` bins."""
    said = torch.arange(BINS)
    histogram = torch.stack([BINS - 1 - said, said])
    if shift:
        histogram = torch.nn.functional.pad(histogram[:, : BINS - shift], (shift, 0))
    return histogram


def test_a_calibrated_map_has_no_error() -> None:
    assert expected_calibration_error(calibrated()) == 0
    bins = calibration_bins(calibrated())
    assert len(bins) == CALIBRATION_BINS == 15
    assert [one.error for one in bins] == pytest.approx([0] * 15, abs=1e-12)
    assert [one.mean_probability for one in bins] == pytest.approx([(n + 0.5) / 15 for n in range(15)], abs=1e-4)


def test_a_constant_is_off_by_its_distance_to_the_fraction_of_vessels() -> None:
    label = torch.arange(1000) < 100
    histogram = histogram_of(torch.full((1000,), 0.5), label)
    assert expected_calibration_error(histogram) == pytest.approx(0.4, abs=STEP)
    assert bin_at(histogram, 0.5).error == pytest.approx(-0.4, abs=STEP)
    assert expected_calibration_error(histogram_of(torch.full((1000,), 0.1), label)) == pytest.approx(0, abs=STEP)


@pytest.mark.parametrize("shift", [1000, 6554, 20000])
def test_a_shifted_map_is_off_by_the_shift(shift: int) -> None:
    assert expected_calibration_error(calibrated(shift)) == pytest.approx(shift / (BINS - 1), abs=1e-12)
    assert bin_at(calibrated(shift), 0.7).error == pytest.approx(-shift / (BINS - 1), abs=1e-12)


def test_errors_of_opposite_sign_in_one_bin_cancel_and_in_two_do_not() -> None:
    label = torch.tensor([1, 0])
    assert expected_calibration_error(histogram_of(torch.tensor([0.48, 0.52]), label)) == pytest.approx(0, abs=STEP)
    assert expected_calibration_error(histogram_of(torch.tensor([0.4, 0.6]), label)) == pytest.approx(0.6, abs=STEP)


def test_a_mask_is_as_wrong_as_it_is_often_wrong() -> None:
    label = torch.arange(100) % 4 == 0
    assert expected_calibration_error(histogram_of(label.float(), label)) == 0
    assert expected_calibration_error(histogram_of(1 - label.float(), label)) == 1


def test_empty_bins_have_no_values_and_count_nothing() -> None:
    bins = calibration_bins(histogram_of(torch.tensor([0.0, 1.0, 1.0]), torch.tensor([0, 1, 0])))
    assert [one.pixels for one in bins] == [1, *[0] * 13, 2]
    assert all(math.isnan(value) for value in (bins[7].mean_probability, bins[7].vessel_fraction, bins[7].error))
    assert (bins[0].error, bins[14].error) == (0, -0.5)
    assert (bins[0].low, bins[7].low, bins[7].high, bins[14].high) == (0, 7 / 15, 8 / 15, 1)


@pytest.mark.parametrize("number", range(CALIBRATION_BINS))
def test_an_edge_belongs_to_the_bin_above(number: int) -> None:
    edge = number / CALIBRATION_BINS
    both = torch.tensor([edge + 2 * STEP, (number + 1) / CALIBRATION_BINS - 2 * STEP], dtype=torch.float64)
    assert calibration_bins(histogram_of(both, torch.tensor([0, 1])))[number].pixels == 2


@pytest.mark.parametrize("power", [0.3, 1, 4])
def test_it_is_the_error_of_torchmetrics(power: float) -> None:
    random = torch.Generator().manual_seed(0)
    # of 16 bits, which the histogram keeps exactly
    probability = torch.randint(0, BINS, (50_000,), generator=random).double() / (BINS - 1)
    label = torch.rand(50_000, generator=random) < probability**power
    expected = float(binary_calibration_error(probability, label.int(), n_bins=15, norm="l1"))
    assert expected_calibration_error(histogram_of(probability, label)) == pytest.approx(expected, abs=1e-7)
    near = torch.rand(50_000, generator=random)
    expected = float(binary_calibration_error(near.double(), label.int(), n_bins=15, norm="l1"))
    assert expected_calibration_error(histogram_of(near, label)) == pytest.approx(expected, abs=2 * STEP)


@pytest.mark.parametrize("function", [expected_calibration_error, calibration_bins, lambda counts: bin_at(counts, 0.5)])
def test_without_pixels_there_is_nothing_to_say(function) -> None:
    with pytest.raises(InputError, match="no pixel to score"):
        function(torch.zeros(2, BINS, dtype=torch.int64))


@pytest.mark.parametrize(("threshold", "low"), [(0, 0), (0.2, 3 / 15), (0.5, 7 / 15), (0.999, 14 / 15), (1, 14 / 15)])
def test_the_bin_of_a_threshold(threshold: float, low: float) -> None:
    assert bin_at(calibrated(), threshold).low == low


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_what_is_no_threshold(threshold: float) -> None:
    with pytest.raises(InputError, match="not a probability"):
        bin_at(calibrated(), threshold)
