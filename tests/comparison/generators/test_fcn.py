"""The FCN and its head with every upsampler."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fundus_unet.comparison.generators.fcn import FCN, FCNHead
from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from tensors import noise
from upsampling.cases import CASES, UpsamplerCase, every_upsampler

WIDTHS = [3, 4, 5, 6, 7]


def network(case: UpsamplerCase, seed: int = 0) -> FCN:
    torch.manual_seed(seed)
    return FCN(3, 1, WIDTHS, case.factory)


def features(*sides: int, channels: tuple[int, ...] = (2, 3, 4)) -> list[Tensor]:
    return [noise(1, c, side, side, seed=side) for c, side in zip(channels, sides, strict=True)]


@every_upsampler
@pytest.mark.parametrize("size", [(1, 1), (65, 33), (32, 64), (31, 100)], ids=str)
def test_any_size_comes_back(case, size):
    logits = network(case).eval()(noise(2, 3, *size))
    assert logits.shape == (2, 1, *size)
    assert logits.isfinite().all()


@every_upsampler
def test_every_weight_learns(case):
    model = network(case)
    model(noise(2, 3, 65, 33)).square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0] == []


def test_the_choice_of_upsampler_changes_no_other_weight():
    def others(case: UpsamplerCase, seed: int = 0) -> dict[str, Tensor]:
        state = network(case, seed).state_dict()
        return {name: value for name, value in state.items() if ".upsamplers." not in name}

    reference = others(CASES[0])
    assert {".".join(name.split(".")[:2]) for name in reference} >= {"encoder.0", "encoder.4", "head.scores"}
    for case in CASES[1:]:
        state = others(case)
        assert state.keys() == reference.keys()
        assert all(torch.equal(value, reference[name]) for name, value in state.items())
    assert not torch.equal(others(CASES[0], seed=1)["head.scores.0.weight"], reference["head.scores.0.weight"])


def test_the_head_is_a_sum_of_upsampled_scores():
    def nearest(c_in: int, c_out: int) -> InterpolateConvUpsampler:
        upsampler = InterpolateConvUpsampler(c_in, c_out, mode="nearest", kernel_size=1)
        for parameter in upsampler.parameters():
            torch.nn.init.dirac_(parameter) if parameter.ndim == 4 else torch.nn.init.zeros_(parameter)
        return upsampler

    head = FCNHead((2, 3, 4), 2, nearest)
    inputs = features(4, 2, 1)
    expected = sum(
        F.interpolate(torch.einsum("oc,bchw->bohw", score.weight[..., 0, 0], each), size=(32, 32))
        for score, each in zip(head.scores, inputs, strict=True)
    )
    torch.testing.assert_close(head(inputs, (32, 32)), expected)


def test_sizes_are_passed_down():
    torch.manual_seed(0)
    head, asked = FCNHead((2, 3, 4), 1, InterpolateConvUpsampler), []
    for upsampler in head.upsamplers:
        upsampler.register_forward_pre_hook(lambda module, inputs: asked.append(tuple(inputs[1])))
    assert head(features(9, 5, 3), (65, 66)).shape == (1, 1, 65, 66)
    assert asked == [(5, 5), (9, 9), (17, 17), (33, 33), (65, 66)]


def test_a_head_that_cannot_reach_a_size_says_so():
    (case,) = (case for case in CASES if case.name == "pixel_shuffle_icnr")
    with pytest.raises(InputError, match="not 5"):
        FCNHead((2, 3, 4), 1, case.factory)(features(10, 5, 3), (80, 80))


@every_upsampler
def test_padding_is_felt_near_the_border_only(case):
    model, image = network(case).eval(), noise(1, 3, 256, 256)
    whole, cut = model(image), model(image[..., :250, :240])
    torch.testing.assert_close(cut[..., :64, :64], whole[..., :64, :64], rtol=1e-4, atol=1e-5)


def test_scores_do_not_start_at_zero():
    assert all(score.weight.abs().min() > 0 for score in network(CASES[0]).head.scores)


@pytest.mark.parametrize("widths", [[], [4] * 4, [4] * 6, [4, 4, 4, 4, 0], [4, 4, 4, 4, 1.5]], ids=str)
def test_widths_are_checked(widths):
    with pytest.raises(InputError, match=r"generator\.widths"):
        FCN(3, 1, widths, CASES[0].factory)


@pytest.mark.parametrize(("in_channels", "out_channels"), [((2, 3), 1), ((2, 3, 0), 1), ((2, 3, 4), 0)])
def test_channels_of_the_head_are_checked(in_channels, out_channels):
    with pytest.raises(InputError, match=f"out_channels={out_channels}"):
        FCNHead(in_channels, out_channels, CASES[0].factory)


@pytest.mark.parametrize("channels", [(2, 3, 5), (3, 3, 4)])
def test_features_are_checked(channels):
    with pytest.raises(InputError, match=r"three of \(2, 3, 4\) channels"):
        FCNHead((2, 3, 4), 1, CASES[0].factory)(features(4, 2, 1, channels=channels), (32, 32))


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (3, 8, 8)], ids=str)
def test_images_are_checked(shape):
    with pytest.raises(InputError, match=r"\(batch, 3, height, width\)") as caught:
        network(CASES[0])(torch.zeros(shape))
    assert str(shape) in str(caught.value)
