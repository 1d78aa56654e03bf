"""Which rule makes the masks of one network, and of several."""

import pytest
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.masks import Hysteresis, Threshold
from fundus_unet.runs.mask_rule import OWN, VALIDATION, mask_rule
from fundus_unet.runs.trained_ensemble import TrainedEnsemble
from fundus_unet.runs.trained_model import TrainedModel
from runs.model_cases import facts_with


def model(threshold: float, *hysteresis: float, mask: str = "threshold") -> TrainedModel:
    values = dict(zip(OWN, hysteresis, strict=False)) or None
    facts = facts_with(threshold=threshold, hysteresis=values, mask=mask)
    return TrainedModel(nn.Identity(), facts, "a", str(threshold))


def test_a_networks_own() -> None:
    one = model(0.4, 0.3, 0.8, 0.02)
    assert mask_rule(one, "threshold", VALIDATION, OWN) == Threshold(0.4)
    assert mask_rule(one, "hysteresis", VALIDATION, OWN) == Hysteresis(0.3, 0.8, 0.02)


def test_set_values_come_before_them() -> None:
    one = model(0.4, 0.3, 0.8, 0.02)
    assert mask_rule(one, "threshold", 0.7, OWN) == Threshold(0.7)
    assert mask_rule(one, "hysteresis", VALIDATION, OWN | {"high": 0.5}) == Hysteresis(0.3, 0.5, 0.02)


def test_the_networks_own_kind_unless_values_of_another_are_set() -> None:
    plain, joined = model(0.4, 0.3, 0.8, 0.02), model(0.4, 0.3, 0.8, 0.02, mask="hysteresis")
    assert mask_rule(plain, "auto", VALIDATION, OWN) == Threshold(0.4)
    assert mask_rule(joined, "auto", VALIDATION, OWN) == Hysteresis(0.3, 0.8, 0.02)
    assert mask_rule(joined, "auto", 0.6, OWN) == Threshold(0.6)
    assert mask_rule(plain, "auto", VALIDATION, OWN | {"low": 0.5}) == Hysteresis(0.5, 0.8, 0.02)
    with pytest.raises(InputError, match=r"hysteresis\.low=0\.5 is of mask=hysteresis"):
        mask_rule(plain, "auto", 0.6, OWN | {"low": 0.5})


def test_several_networks_have_a_kind_of_their_own_where_all_have_it() -> None:
    joined = model(0.4, 0.3, 0.8, 0.02, mask="hysteresis")
    other = model(0.6, 0.4, 0.9, 0.0, mask="hysteresis")
    assert isinstance(mask_rule(TrainedEnsemble((joined, other)), "auto", VALIDATION, OWN), Hysteresis)
    mixed = TrainedEnsemble((joined, model(0.6, 0.4, 0.9, 0.0)))
    assert mask_rule(mixed, "auto", VALIDATION, OWN) == Threshold(0.5)


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
