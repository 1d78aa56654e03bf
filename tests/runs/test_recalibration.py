"""Probabilities that export moves: the same order, the same masks."""

import pytest
import torch
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.metrics.masks import Hysteresis
from fundus_unet.runs.recalibration import Recalibration
from runs.model_cases import facts_with, network_of
from tensors import noise


def test_the_centre_becomes_a_half_and_the_slope_is_of_log_odds() -> None:
    moved = Recalibration(0.6, 0.8)
    assert moved.probability(0.6) == pytest.approx(0.5)
    found = torch.tensor([moved.probability(value) for value in (0.1, 0.5, 0.9)], dtype=torch.float64)
    asked = torch.tensor([0.1, 0.5, 0.9, 0.6], dtype=torch.float64).logit()
    torch.testing.assert_close(found.logit(), 0.8 * (asked[:3] - asked[3]))
    assert (moved.probability(0.0), moved.probability(1.0)) == (0, 1)
    assert Recalibration().probability(0.69) == 0.69


@torch.inference_mode()
def test_a_network_gives_what_a_probability_becomes() -> None:
    network, image = network_of(facts_with()), noise(2, 3, 30, 20)
    before = network(image)
    changed = Recalibration(0.3, 1.5).network(network)
    offset = torch.tensor(0.3).logit()
    torch.testing.assert_close(changed(image), 1.5 * (before - offset), rtol=1e-5, atol=1e-5)
    assert torch.equal(network(image), before)
    assert Recalibration().network(network) is network


@torch.inference_mode()
def test_masks_stay_where_they_were() -> None:
    network, image = network_of(facts_with()), noise(1, 3, 64, 64)
    before = network(image).double().sigmoid()
    low, threshold, high = before.quantile(torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)).tolist()
    facts = facts_with(threshold=threshold, hysteresis={"low": low, "high": high, "least_length": 0.02})
    moved = Recalibration(0.6, 0.7)
    masks = facts.recalibrated(moved).masks
    assert masks.hysteresis is not None
    after = moved.network(network)(image).double().sigmoid()
    for value, then in ((threshold, masks.threshold), (low, masks.hysteresis.low), (high, masks.hysteresis.high)):
        assert ((before >= value) != (after >= then)).sum() <= 1
    assert masks.hysteresis.least_length == 0.02
    assert facts.recalibrated(moved).vessel_from == moved.probability(0.5) != 0.5
    same = ChosenMasks(threshold, Hysteresis(low, high, 0.02))
    assert facts.recalibrated(Recalibration()).masks == same


@pytest.mark.parametrize("values", [(0.0, 1.0), (1.0, 1.0), (0.5, 0.0), (0.5, float("inf")), (float("nan"), 1.0)])
def test_what_calibrates_nothing_is_refused(values: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="calibration"):
        Recalibration(*values)


def test_a_network_of_another_package_stays_as_it_is() -> None:
    with pytest.raises(InputError, match="a network of this project"):
        Recalibration(0.6).network(nn.Identity())
