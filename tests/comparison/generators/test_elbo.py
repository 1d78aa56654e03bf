"""The evidence lower bound against torch.distributions and by hand."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Normal, kl_divergence

import tensors
from fundus_unet.comparison.generators.elbo import NegativeELBO, kl_to_standard_normal
from fundus_unet.core.errors import InputError

noise = partial(tensors.noise, dtype=torch.float64)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(mean=st.floats(-10, 10), logvar=st.floats(-12, 8))
def test_kl_is_that_of_torch(mean, logvar):
    mean, logvar = torch.tensor([[mean, 0.5]]).double(), torch.tensor([[logvar, -0.5]]).double()
    expected = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(torch.zeros(1, 2).double(), 1.0)).sum(1)
    torch.testing.assert_close(kl_to_standard_normal(mean, logvar), expected)


def test_kl_vanishes_at_the_standard_normal_alone():
    assert kl_to_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3)).tolist() == [0, 0]
    assert (kl_to_standard_normal(torch.full((2, 3), 0.01), torch.full((2, 3), 0.01)) > 0).all()


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
def test_the_loss_is_the_bound_per_value(beta):
    image, reconstruction, mean, logvar = noise(2, 3, 4, 5), noise(2, 3, 4, 5, seed=2), noise(2, 6), noise(2, 6, seed=3)
    region = torch.ones(2, 1, 4, 5).bool()
    parts = NegativeELBO(beta)(reconstruction, image, mean, logvar, region)
    log_likelihood = Normal(reconstruction, 1.0).log_prob(image).sum() + image.numel() * math.log(2 * math.pi) / 2
    kl = kl_divergence(Normal(mean, (logvar / 2).exp()), Normal(torch.zeros_like(mean), 1.0))
    torch.testing.assert_close(parts["loss"], (beta * kl.sum() - log_likelihood) / image.numel())
    torch.testing.assert_close(parts["squared_error"], (reconstruction - image).square().mean())
    torch.testing.assert_close(parts["kl"], kl.sum(1).mean())
    as_maps = NegativeELBO(beta)(reconstruction, image, mean.view(2, 3, 2, 1), logvar.view(2, 3, 2, 1), region)
    torch.testing.assert_close(as_maps, parts)


def test_only_the_region_counts():
    image, mean, logvar = noise(2, 3, 4, 4), noise(2, 6), noise(2, 6, seed=3)
    region = torch.zeros(2, 1, 4, 4).bool()
    region[0, :, :2] = True
    reconstruction = image.clone()
    reconstruction[0, :, :2] += 2.0
    reconstruction[:, :, 2:] = float("inf")
    reconstruction.requires_grad_()
    parts = NegativeELBO(0.0)(reconstruction, image, mean, logvar, region)
    parts["loss"].backward()
    assert float(parts["squared_error"].detach()) == pytest.approx(4.0)
    assert float(parts["loss"].detach()) == pytest.approx(2.0)
    assert reconstruction.grad[0, :, :2].abs().min() > 0
    assert reconstruction.grad[0, :, 2:].abs().max() == reconstruction.grad[1].abs().max() == 0


def test_an_empty_region_is_finite():
    image, latent = noise(1, 3, 4, 4), noise(1, 6)
    parts = NegativeELBO()(image + 1, image, latent, latent, torch.zeros(1, 1, 4, 4).bool())
    assert float(parts["squared_error"]) == 0
    assert parts["loss"].isfinite()


@pytest.mark.parametrize("beta", [-1.0, math.nan, math.inf])
def test_beta_is_checked(beta):
    with pytest.raises(InputError, match="beta"):
        NegativeELBO(beta)


@pytest.mark.parametrize("wrong", range(5))
def test_shapes_are_checked(wrong):
    tensors = [noise(2, 3, 4, 4), noise(2, 3, 4, 4), noise(2, 6), noise(2, 6), torch.ones(2, 1, 4, 4)]
    tensors[wrong] = tensors[wrong][..., :2]
    with pytest.raises(InputError, match="do not fit"):
        NegativeELBO()(*tensors)
