"""Which rule makes the masks of one network, and of several."""

import pytest
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.masks import Hysteresis, Threshold
from fundus_unet.runs.mask_rule import OWN, VALIDATION, mask_rule
from fundus_unet.runs.trained_ensemble import TrainedEnsemble
from fundus_unet.runs.trained_model import TrainedModel
from runs.model_cases import facts_with


def model(threshold: float, *hysteresis: float) -> TrainedModel:
    values = dict(zip(OWN, hysteresis, strict=False)) or None
    return TrainedModel(nn.Identity(), facts_with(threshold=threshold, hysteresis=values), "a", str(threshold))


def test_a_networks_own() -> None:
    one = model(0.4, 0.3, 0.8, 0.02)
    assert mask_rule(one, "threshold", VALIDATION, OWN) == Threshold(0.4)
    assert mask_rule(one, "hysteresis", VALIDATION, OWN) == Hysteresis(0.3, 0.8, 0.02)


def test_set_values_come_before_them() -> None:
    one = model(0.4, 0.3, 0.8, 0.02)
    assert mask_rule(one, "threshold", 0.7, OWN) == Threshold(0.7)
    assert mask_rule(one, "hysteresis", VALIDATION, OWN | {"high": 0.5}) == Hysteresis(0.3, 0.5, 0.02)


def test_of_several_networks_it_is_their_mean() -> None:
    both = TrainedEnsemble((model(0.4, 0.3, 0.8, 0.02), model(0.6, 0.4, 0.9, 0.0)))
    assert mask_rule(both, "threshold", VALIDATION, OWN) == Threshold(0.5)
    found = mask_rule(both, "hysteresis", VALIDATION, OWN)
    assert isinstance(found, Hysteresis)
    assert (found.low, found.high, found.least_length) == pytest.approx((0.35, 0.85, 0.01))


@pytest.mark.parametrize("several", [False, True])
def test_a_network_of_before_has_none(several: bool) -> None:
    old = model(0.4)
    named = TrainedEnsemble((model(0.5, 0.4, 0.9, 0.0), old)) if several else old
    with pytest.raises(InputError, match="no hysteresis of its own"):
        mask_rule(named, "hysteresis", VALIDATION, OWN)
    with pytest.raises(InputError, match=r"hysteresis\.low=\.\.\. hysteresis\.least_length=\.\.\.;"):
        mask_rule(named, "hysteresis", VALIDATION, OWN | {"high": 0.7})
    own = {"low": 0.4, "high": 0.7, "least_length": 0.0}
    assert mask_rule(named, "hysteresis", VALIDATION, own) == Hysteresis(0.4, 0.7)
    assert isinstance(mask_rule(named, "threshold", VALIDATION, OWN), Threshold)
