import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_unet.core.errors import InputError
from fundus_unet.losses.bce_dice import BCEDiceLoss


def image(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(1, 1, 1, -1)


def random_batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits, label, region = torch.randn(3, 2, 1, 5, 6, generator=generator)
    return logits, (label > 0).float(), region > -0.5


def test_values_by_hand():
    # Probabilities 3/4, 1/4, 1/2 inside; the last pixel is outside.
    logits = image(math.log(3), -math.log(3), 0.0, 9.0)
    got = BCEDiceLoss()(logits, image(1, 0, 1, 0), image(1, 1, 1, 0))
    bce = -(math.log(3 / 4) + math.log(3 / 4) + math.log(1 / 2)) / 3
    dice = 1 - (2 * (3 / 4 + 1 / 2) + 1) / (3 / 2 + 2 + 1)
    assert {name: float(value) for name, value in got.items()} == pytest.approx(
        {"loss": bce + 0.5 * dice, "bce": bce, "dice": dice}, rel=1e-6
    )
    assert all(value.shape == () for value in got.values())


def test_weights_and_smooth_by_hand():
    got = BCEDiceLoss(bce_weight=0.25, dice_weight=2.0, smooth=3.0)(image(0.0, 0.0), image(1, 0), image(1, 1))
    dice = 1 - (2 * 0.5 + 3) / (1 + 1 + 3)
    assert float(got["dice"]) == pytest.approx(dice)
    assert float(got["loss"]) == pytest.approx(0.25 * math.log(2) + 2 * dice)


def test_dice_is_pooled_over_the_batch_and_bce_over_its_pixels():
    logits, label, region = random_batch()
    together = BCEDiceLoss()(logits, label, region)
    in_one_image = BCEDiceLoss()(*(part.reshape(1, 1, 10, 6) for part in (logits, label, region)))
    torch.testing.assert_close(together, in_one_image)


def test_only_the_region_counts():
    logits, label, region = random_batch()
    crop = (slice(None), slice(None), slice(1, 4), slice(2, 6))
    region = torch.zeros_like(region)
    region[crop] = True
    inside = BCEDiceLoss()(logits[crop], label[crop], region[crop])
    torch.testing.assert_close(BCEDiceLoss()(logits, label, region), inside)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_every_region_dtype_is_alike(dtype):
    logits, label, region = random_batch()
    torch.testing.assert_close(BCEDiceLoss()(logits, label, region.to(dtype)), BCEDiceLoss()(logits, label, region))


@pytest.mark.parametrize("outside", [0.0, 1e4, math.inf, -math.inf, math.nan])
def test_nothing_outside_the_region_reaches_the_gradient(outside):
    logits, label, region = random_batch()
    logits[~region], label[~region] = outside, 255.0
    logits.requires_grad_()
    BCEDiceLoss()(logits, label, region)["loss"].backward()
    assert (logits.grad[~region] == 0).all()
    assert (logits.grad[region] != 0).all()
    assert logits.grad.isfinite().all()


def test_an_empty_region_gives_zero_with_a_graph():
    logits, label, region = random_batch()
    logits.requires_grad_()
    got = BCEDiceLoss()(logits, label, torch.zeros_like(region))
    assert {value.item() for value in got.values()} == {0.0}
    got["loss"].backward()
    assert (logits.grad == 0).all()


def test_a_perfect_prediction_costs_almost_nothing():
    _, label, region = random_batch()
    got = BCEDiceLoss()(40.0 * label - 20.0, label, region)
    assert 0.0 <= float(got["loss"]) < 1e-6


def test_no_vessel_and_none_predicted_costs_almost_nothing():
    logits = torch.full((1, 1, 4, 4), -30.0)
    assert float(BCEDiceLoss()(logits, torch.zeros_like(logits), torch.ones_like(logits))["loss"]) < 1e-6


def test_large_wrong_logits_stay_finite():
    logits = image(1e4, -1e4).requires_grad_()
    got = BCEDiceLoss()(logits, image(0, 1), image(1, 1))
    assert got["bce"].item() == pytest.approx(1e4)
    got["loss"].backward()
    assert logits.grad.isfinite().all()
    assert (logits.grad != 0).all()


@pytest.mark.parametrize("weights", [(1.0, 0.5), (1.0, 0.0), (0.0, 1.0)])
def test_gradient_against_finite_differences(weights):
    logits, label, region = random_batch()
    loss = BCEDiceLoss(*weights)
    logits = logits.double().requires_grad_()
    assert loss(logits, label, region)["loss"].dtype == torch.float64
    assert torch.autograd.gradcheck(lambda x: loss(x, label, region)["loss"], (logits,))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    logits, label, region = random_batch()
    half = logits.to(dtype).requires_grad_()
    got = BCEDiceLoss()(half, label.to(dtype), region)
    torch.testing.assert_close(got, BCEDiceLoss()(half.float(), label, region))
    assert all(value.dtype == torch.float32 for value in got.values())
    got["loss"].backward()
    assert half.grad.dtype == dtype


def test_autocast_changes_nothing():
    logits, label, region = random_batch()
    expected = BCEDiceLoss()(logits, label, region)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = BCEDiceLoss()(logits, label, region)
    torch.testing.assert_close(got, expected, rtol=0, atol=0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), scale=st.floats(0.0, 50.0))
def test_losses_stay_in_their_range_and_grow_with_the_error(seed, scale):
    logits, label, region = random_batch(seed)
    got = BCEDiceLoss()(scale * logits, label, region)
    assert 0.0 <= float(got["dice"]) <= 1.0
    assert float(got["bce"]) >= 0.0
    towards = BCEDiceLoss()(scale * logits + (2.0 * label - 1.0), label, region)
    assert float(towards["loss"]) <= float(got["loss"]) + 1e-6


@pytest.mark.parametrize("weights", [(0.0, 0.0), (-1.0, 1.0), (1.0, -0.5), (math.nan, 1.0), (math.inf, 1.0)])
def test_weights_that_make_no_loss_are_refused(weights):
    with pytest.raises(InputError, match="weights"):
        BCEDiceLoss(*weights)


@pytest.mark.parametrize("smooth", [0.0, -1.0, math.nan])
def test_smooth_must_be_positive(smooth):
    with pytest.raises(InputError, match="smooth"):
        BCEDiceLoss(smooth=smooth)


def test_shapes_must_agree():
    logits, label, region = random_batch()
    with pytest.raises(InputError, match="differ in shape"):
        BCEDiceLoss()(logits, label[:, 0], region)
    with pytest.raises(InputError, match="differ in shape"):
        BCEDiceLoss()(logits, label, region[:1])
