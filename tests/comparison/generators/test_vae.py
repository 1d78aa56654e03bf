"""The variational autoencoder with every upsampler."""

import pytest
import torch
from torch import Tensor

from fundus_unet.comparison.generators.vae import VAE, VAEDecoder, reparameterize
from fundus_unet.core.errors import InputError
from tensors import noise
from upsampling.cases import CASES, UpsamplerCase, every_upsampler


def autoencoder(case: UpsamplerCase, seed: int = 0) -> VAE:
    torch.manual_seed(seed)
    return VAE(3, 5, [4, 6, 8], case.factory)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@every_upsampler
@pytest.mark.parametrize("size", [(8, 8), (24, 16)], ids=str)
def test_a_patch_comes_back_in_its_size(case, size):
    output = autoencoder(case).eval()(noise(2, 3, *size))
    assert output.reconstruction.shape == (2, 3, *size)
    assert output.mean.shape == output.logvar.shape == (2, 5, size[0] // 8, size[1] // 8)
    assert all(part.isfinite().all() for part in output)


@every_upsampler
def test_the_parts_fit_together(case):
    model, image = autoencoder(case).eval(), noise(2, 3, 16, 16)
    output = model(image, seeded())
    mean, logvar = model.encode(image)
    assert torch.equal(output.mean, mean)
    assert torch.equal(output.logvar, logvar)
    assert torch.equal(output.reconstruction, model.decoder(reparameterize(mean, logvar, seeded())))
    assert not torch.equal(output.reconstruction, model(image, seeded(1)).reconstruction)


def test_images_of_a_batch_do_not_mix():
    model, image = autoencoder(CASES[0]).eval(), noise(2, 3, 16, 16)
    both, second = model.decoder(model.encode(image)[0]), model.decoder(model.encode(image[1:])[0])
    torch.testing.assert_close(both[1:], second)


@every_upsampler
def test_every_weight_learns(case):
    model = autoencoder(case).eval()  # with batch statistics, normalisation would take away the upsamplers' biases
    output = model(noise(2, 3, 16, 16), seeded())
    (output.reconstruction.square().sum() + output.logvar.square().sum()).backward()
    assert [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0] == []


def test_the_choice_of_upsampler_changes_no_other_weight():
    def others(case: UpsamplerCase, seed: int = 0) -> dict[str, Tensor]:
        state = autoencoder(case, seed).state_dict()
        return {name: value for name, value in state.items() if ".upsamplers." not in name}

    reference = others(CASES[0])
    assert {".".join(name.split(".")[:2]) for name in reference} >= {
        "encoder.0",
        "posterior.weight",
        "decoder.first",
        "decoder.last",
    }
    for case in CASES[1:]:
        state = others(case)
        assert state.keys() == reference.keys()
        assert all(torch.equal(value, reference[name]) for name, value in state.items())
    assert not torch.equal(others(CASES[0], seed=1)["posterior.weight"], reference["posterior.weight"])


def test_the_decoder_uses_the_widths_of_the_encoder_in_reverse():
    upsamplers = autoencoder(CASES[0]).decoder.doublings.upsamplers
    assert [(each.in_channels, each.out_channels) for each in upsamplers] == [(8, 6), (6, 4), (4, 4)]


def test_draws_follow_the_posterior():
    mean, logvar = torch.tensor([[-2.0, 0.0, 3.0]]), torch.tensor([[-4.0, 0.0, 1.0]])
    draws = reparameterize(mean.expand(40_000, 3), logvar.expand(40_000, 3), seeded())
    std = (logvar[0] / 2).exp()
    assert ((draws.mean(0) - mean[0]).abs() < 5 * std / 200).all()  # five standard errors
    torch.testing.assert_close(draws.std(0), std, rtol=0.02, atol=0)
    torch.testing.assert_close(draws.T.corrcoef(), torch.eye(3), rtol=0, atol=0.03)


def test_gradients_pass_through_the_draw():
    mean, logvar = noise(2, 3).requires_grad_(), noise(2, 3, seed=2).requires_grad_()
    draw = reparameterize(mean, logvar, seeded())
    draw.sum().backward()
    torch.testing.assert_close(mean.grad, torch.ones(2, 3))
    torch.testing.assert_close(logvar.grad, (draw - mean).detach() / 2)


def test_a_draw_depends_on_its_generator_alone():
    mean, logvar = noise(2, 3), noise(2, 3, seed=2)
    first = reparameterize(mean, logvar, seeded())
    torch.manual_seed(7)
    assert torch.equal(reparameterize(mean, logvar, seeded()), first)


@pytest.mark.parametrize("widths", [[], [4, 0], [1.5]], ids=str)
def test_widths_are_checked(widths):
    with pytest.raises(InputError, match=r"generator\.widths"):
        VAE(3, 5, widths, CASES[0].factory)
    with pytest.raises(InputError, match=r"generator\.widths"):
        VAEDecoder(5, 3, widths, CASES[0].factory)


@pytest.mark.parametrize(("image_channels", "latent_channels"), [(0, 5), (3, 0), (3, -1)])
def test_channels_are_checked(image_channels, latent_channels):
    with pytest.raises(InputError, match="channels >= 1"):
        VAE(image_channels, latent_channels, [4], CASES[0].factory)


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 1, 16, 16), (1, 3, 16, 12), (1, 3, 65, 64)], ids=str)
def test_images_are_checked(shape):
    with pytest.raises(InputError, match=r"\(batch, 3, height, width\), both sides multiples of 8") as caught:
        autoencoder(CASES[0])(torch.zeros(shape))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 5), (1, 4, 2, 2)], ids=str)
def test_latents_are_checked(shape):
    with pytest.raises(InputError, match=r"\(batch, 5, height, width\)"):
        autoencoder(CASES[0]).decoder(torch.zeros(shape))
