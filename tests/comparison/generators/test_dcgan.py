"""The DCGAN generator with every upsampler."""

import pytest
import torch
from torch import Tensor, nn

from fundus_unet.comparison.generators.dcgan import DCGANGenerator
from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from tensors import noise
from upsampling.cases import CASES, UpsamplerCase, every_upsampler


def generator(case: UpsamplerCase, seed: int = 0, start_size: int = 4) -> DCGANGenerator:
    torch.manual_seed(seed)
    return DCGANGenerator(5, 3, [8, 6, 4], case.factory, start_size)


def latents(batch: int = 2, channels: int = 5) -> Tensor:
    return noise(batch, channels, seed=1)


@every_upsampler
@pytest.mark.parametrize("start_size", [1, 3, 4])
def test_every_width_doubles(case, start_size):
    model = generator(case, start_size=start_size).eval()
    values = model(latents())
    assert values.shape == (2, 3, 8 * start_size, 8 * start_size)
    assert values.isfinite().all()


@every_upsampler
def test_the_image_is_the_tanh_of_the_values(case):
    model = generator(case).eval()
    assert torch.equal(model.image(latents()), model(latents()).tanh())
    with torch.no_grad():
        model.doublings.upsamplers[-1].apply(
            lambda module: [weight.mul_(1000) for weight in module.parameters(recurse=False)]
        )
    assert model(latents()).abs().max() > 1
    assert model.image(latents()).abs().max() <= 1


def test_the_last_upsampler_gives_the_image_untouched():
    model = generator(CASES[0])
    seen = []
    model.doublings.upsamplers[-1].register_forward_hook(lambda module, inputs, output: seen.append(output))
    assert model(latents()) is seen[0]


def test_the_values_are_those_of_the_layers_by_hand():
    torch.manual_seed(0)

    def nearest(c_in: int, c_out: int) -> InterpolateConvUpsampler:
        return InterpolateConvUpsampler(c_in, c_out, mode="nearest", kernel_size=1)

    model = DCGANGenerator(5, 1, [2], nearest, start_size=3, normalization=lambda channels: nn.Identity())
    weight = next(parameter for parameter in model.doublings.upsamplers[0].parameters() if parameter.ndim == 4)[
        0, :, 0, 0
    ]
    small = (latents() @ model.projection.weight.T).view(2, 2, 3, 3).relu()
    expected = torch.einsum("c,bchw->bhw", weight, small).repeat_interleave(2, 1).repeat_interleave(2, 2)
    torch.testing.assert_close(model(latents())[:, 0], expected)


@every_upsampler
def test_every_weight_learns(case):
    model = generator(case).eval()  # with batch statistics, normalisation would take away the upsamplers' biases
    model(latents()).square().sum().backward()
    assert [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0] == []


def test_the_choice_of_upsampler_changes_no_other_weight():
    def others(case: UpsamplerCase, seed: int = 0) -> dict[str, Tensor]:
        state = generator(case, seed).state_dict()
        return {name: value for name, value in state.items() if ".upsamplers." not in name}

    reference = others(CASES[0])
    assert {"projection.weight", "doublings.between.0.0.weight"} <= reference.keys()
    for case in CASES[1:]:
        state = others(case)
        assert state.keys() == reference.keys()
        assert all(torch.equal(value, reference[name]) for name, value in state.items())
    assert not torch.equal(others(CASES[0], seed=1)["projection.weight"], reference["projection.weight"])


def test_new_weights_keep_the_variance():
    torch.manual_seed(0)
    model = DCGANGenerator(100, 3, [64], CASES[0].factory, start_size=8)
    assert float(model.projection(latents(64, 100)).detach().var()) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("widths", [[], [0], [4, -1], [1.5], ["4"], [None]], ids=str)
def test_widths_are_checked(widths):
    with pytest.raises(InputError, match=r"generator\.widths"):
        DCGANGenerator(5, 3, widths, CASES[0].factory)


@pytest.mark.parametrize("wrong", [{"latent_channels": 0}, {"out_channels": 0}, {"start_size": -1}], ids=str)
def test_sizes_are_checked(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"{name}={value}"):
        DCGANGenerator(
            **{"latent_channels": 5, "out_channels": 3, "widths": [4], "upsampler": CASES[0].factory, **wrong}
        )


@pytest.mark.parametrize("shape", [(5,), (2, 4), (2, 5, 1, 1)], ids=str)
def test_latents_are_checked(shape):
    with pytest.raises(InputError, match=r"\(batch, 5\)") as caught:
        generator(CASES[0])(torch.zeros(shape))
    assert str(shape) in str(caught.value)
