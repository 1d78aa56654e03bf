"""Soft clDice: its value by hand and beside the hard one, its gradient, and what it must not depend on."""

import math

import pytest
import torch

from fundus_unet.core.errors import InputError
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.losses.bce_dice_cldice import BCEDiceClDiceLoss, soft_skeleton
from fundus_unet.metrics.topology import centreline_overlap, thinned


def random_batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits, label, region = torch.randn(3, 2, 1, 9, 8, generator=generator)
    return logits, (label > 0).float(), region > -0.5


def vessels(width: int = 5, gap: slice = slice(0, 0)) -> torch.Tensor:
    """Two that cross, as a label of 64 x 64; the gap is in the first one's columns."""
    label = torch.zeros(1, 1, 64, 64)
    label[..., 20 : 20 + width, :] = 1
    label[..., 20 : 20 + width, gap] = 0
    label[..., :, 40 : 40 + width] = 1
    return label


def sure(label: torch.Tensor) -> torch.Tensor:
    return 40 * label - 20


def parts_of(logits: torch.Tensor, label: torch.Tensor, **options: float) -> dict[str, float]:
    found = BCEDiceClDiceLoss(**options)(logits, label, torch.ones_like(label))
    return {name: float(value) for name, value in found.items()}


def test_the_soft_skeleton_of_a_line_is_the_line_between_its_borders() -> None:
    for width in (1, 3, 5, 7):
        label = torch.zeros(1, 1, 21, 30)
        label[..., 10 - width // 2 : 11 + width // 2, :] = 1
        skeleton = soft_skeleton(label, iterations=4)
        expected = torch.zeros_like(label)
        expected[..., 10, :] = 1
        torch.testing.assert_close(skeleton, expected)
    assert not soft_skeleton(torch.ones(1, 1, 9, 9), 3).any(), "where nothing erodes there is no ridge"


def test_a_wide_line_needs_its_iterations() -> None:
    label = vessels(width=9)
    assert not soft_skeleton(label, 3)[..., 24, 5]
    assert soft_skeleton(label, 4)[..., 24, 5] == 1


def test_values_by_hand() -> None:
    """A line of one pixel, its own skeleton: probabilities 3/4, 3/4, 1/4 on it and 0 beside it."""
    label = torch.zeros(1, 1, 5, 3)
    label[..., 2, :] = 1
    logits = torch.full_like(label, -math.inf)
    logits[..., 2, :] = torch.tensor([math.log(3), math.log(3), -math.log(3)])
    found = BCEDiceClDiceLoss(smooth=1.0)._soft_cldice(logits.sigmoid(), label)
    precision, sensitivity = 1.0, (7 / 4 + 1) / (3 + 1)
    assert float(found) == pytest.approx(2 * precision * sensitivity / (precision + sensitivity))


@pytest.mark.parametrize("gap", [slice(0, 0), slice(5, 8), slice(5, 35)])
def test_of_sure_maps_it_is_about_the_hard_cldice(gap: slice) -> None:
    label, predicted = vessels(), vessels(gap=gap)
    hard = centreline_overlap(*(thinned(mask[0, 0].numpy()) for mask in (predicted, label))).cldice
    assert 1 - parts_of(sure(predicted), label)["cldice"] == pytest.approx(hard, abs=0.03)


def test_a_faint_thin_vessel_counts_by_its_length() -> None:
    """Thin and wide are missed in turn: for Dice the wide one is five times as much."""
    label = torch.zeros(1, 1, 64, 64)
    thin, wide = label.clone(), label.clone()
    thin[..., 10, :] = 1
    wide[..., 40:45, :] = 1
    label = thin + wide
    without_thin, without_wide = (parts_of(sure(found), label) for found in (wide, thin))
    assert without_thin["dice"] < without_wide["dice"] / 3
    assert without_thin["cldice"] == pytest.approx(without_wide["cldice"], abs=0.02)


def test_the_other_parts_are_those_of_bce_dice() -> None:
    logits, label, region = random_batch()
    found = BCEDiceClDiceLoss(0.7, 0.2, 0.4)(logits, label, region)
    plain = BCEDiceLoss(0.7, 0.2)(logits, label, region)
    assert found.keys() == plain.keys() | {"cldice"}
    torch.testing.assert_close([found["bce"], found["dice"]], [plain["bce"], plain["dice"]])
    torch.testing.assert_close(found["loss"], plain["loss"] + 0.4 * found["cldice"])


def test_a_perfect_prediction_costs_almost_nothing() -> None:
    assert parts_of(sure(vessels()), vessels())["loss"] == pytest.approx(0, abs=1e-6)
    assert parts_of(torch.full((1, 1, 8, 8), -30.0), torch.zeros(1, 1, 8, 8))["loss"] == pytest.approx(0, abs=1e-6)


def test_a_gap_costs_more_the_longer_it_is_and_closing_it_helps() -> None:
    label = vessels()
    costs = [parts_of(sure(vessels(gap=slice(5, end))), label)["cldice"] for end in (5, 8, 20)]
    assert costs == sorted(costs)
    logits = sure(vessels(gap=slice(5, 8))).clamp(-2, 2).requires_grad_()
    BCEDiceClDiceLoss(bce_weight=0, dice_weight=1e-12)(logits, label, torch.ones_like(label))["loss"].backward()
    assert logits.grad is not None
    assert (logits.grad[..., 22, 5:8] < 0).all(), "a step against the gradient raises the gap"
    assert (logits.grad[..., 22, 5:8].abs() > logits.grad[..., 20, 5:8].abs()).all(), "its middle first"


def test_turning_and_mirroring_change_nothing() -> None:
    logits, label, region = random_batch()
    expected = BCEDiceClDiceLoss()(logits, label, region)["cldice"]
    for turned in (lambda x: x.flip(-1), lambda x: x.rot90(1, (-2, -1)), lambda x: x.transpose(-2, -1)):
        torch.testing.assert_close(BCEDiceClDiceLoss()(*map(turned, (logits, label, region)))["cldice"], expected)


@pytest.mark.parametrize("outside", [0.0, 1e4, math.inf, -math.inf, math.nan])
def test_nothing_outside_the_region_reaches_the_gradient(outside: float) -> None:
    logits, label, region = random_batch()
    logits[~region], label[~region] = outside, 255.0
    logits.requires_grad_()
    BCEDiceClDiceLoss()(logits, label, region)["loss"].backward()
    assert logits.grad is not None
    assert (logits.grad[~region] == 0).all()
    assert (logits.grad[region] != 0).all()
    assert logits.grad.isfinite().all()


def test_gradient_against_finite_differences() -> None:
    logits, label, region = random_batch()
    loss = BCEDiceClDiceLoss(iterations=2)
    logits = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, label, region)["loss"], (logits,))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    logits, label, region = random_batch()
    half = logits.to(dtype)
    found = BCEDiceClDiceLoss()(half, label.to(dtype), region)
    torch.testing.assert_close(found, BCEDiceClDiceLoss()(half.float(), label, region))
    assert all(value.dtype == torch.float32 for value in found.values())


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_a_weight_that_makes_no_loss_is_refused(weight: float) -> None:
    with pytest.raises(InputError, match="cldice_weight above 0"):
        BCEDiceClDiceLoss(cldice_weight=weight)


def test_other_bad_arguments_are_refused() -> None:
    with pytest.raises(InputError, match="iterations >= 1"):
        BCEDiceClDiceLoss(iterations=0)
    with pytest.raises(InputError, match="weights"):
        BCEDiceClDiceLoss(bce_weight=-1)
    with pytest.raises(InputError, match="differ in shape"):
        BCEDiceClDiceLoss()(torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4), torch.ones(1, 1, 4, 4))
