"""Brief training of a VAE: it learns a few patches, reproducibly, and leaves the given one alone."""

import copy

import pytest
import torch
from torch import Tensor, nn

from fundus_unet.comparison.generators.elbo import NegativeELBO
from fundus_unet.comparison.generators.vae import VAE
from fundus_unet.comparison.generators.vae_training import train_vae
from fundus_unet.core.errors import InputError
from upsampling.cases import CASES, UpsamplerCase, every_upsampler

Batch = dict[str, Tensor]


def autoencoder(case: UpsamplerCase = CASES[0], seed: int = 0) -> VAE:
    torch.manual_seed(seed)
    return VAE(3, 8, [8, 12], case.factory, nn.Identity, nn.ELU)


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Bars of one orientation each on a slope, normalised; the last patch has a corner outside the field of view."""
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    angles = torch.arange(6) * torch.pi / 6
    across = columns[None] * angles.cos()[:, None, None] + rows[None] * angles.sin()[:, None, None]
    grey = (across - across.mean((1, 2), keepdim=True)).abs().lt(2).float() + 0.03 * rows
    image = torch.stack([grey, 0.5 * grey, -grey], 1)
    image = (image - image.mean((0, 2, 3), keepdim=True)) / image.std((0, 2, 3), keepdim=True)
    region = torch.ones(6, 1, 16, 16).bool()
    region[-1, :, :4, :4] = False
    return {"image": image * region, "field_of_view": region}


def mean_squared_error(vae: VAE, batch: Batch) -> float:
    with torch.no_grad():
        error = vae.decoder(vae.encode(batch["image"])[0]) - batch["image"]
    return float(error.square()[batch["field_of_view"].expand_as(error)].mean())


@every_upsampler
def test_a_few_patches_are_learnt(case, batch):
    given = autoencoder(case)
    trained, history = train_vae(given, [batch] * 60, NegativeELBO(0.1), learning_rate=1e-2, seed=0)
    variance = float(batch["image"].var())
    assert mean_squared_error(given.eval(), batch) > 0.9 * variance
    assert mean_squared_error(trained, batch) < 0.25 * variance
    assert sum(parts["loss"] for parts in history[-5:]) < 0.5 * sum(parts["loss"] for parts in history[:5])


def test_what_is_recorded(batch):
    vae = autoencoder()
    _, history = train_vae(vae, [batch] * 3, NegativeELBO(beta=0.5), learning_rate=1e-2, seed=4)
    output = vae.train()(batch["image"], torch.Generator().manual_seed(4))
    parts = NegativeELBO(beta=0.5)(
        output.reconstruction, batch["image"], output.mean, output.logvar, batch["field_of_view"]
    )
    assert len(history) == 3
    assert history[0] == pytest.approx({name: float(value.detach()) for name, value in parts.items()})


def test_the_given_one_stays_as_it_is(batch):
    vae = autoencoder().eval()
    before = copy.deepcopy(vae.state_dict())
    trained, _ = train_vae(vae, [batch] * 2, NegativeELBO(), learning_rate=1e-2, seed=0)
    assert all(torch.equal(value, before[name]) for name, value in vae.state_dict().items())
    assert all(parameter.grad is None for parameter in vae.parameters())
    changed = [not torch.equal(value, before[name]) for name, value in trained.state_dict().items()]
    assert all(changed)
    assert not trained.training


def test_the_seed_decides(batch):
    def losses(seed: int, disturb: int) -> list[dict[str, float]]:
        vae = autoencoder()
        torch.manual_seed(disturb)
        return train_vae(vae, [batch] * 3, NegativeELBO(), learning_rate=1e-2, seed=seed)[1]

    assert losses(0, disturb=1) == losses(0, disturb=2)
    assert losses(0, disturb=1)[0]["squared_error"] != losses(1, disturb=1)[0]["squared_error"]


def test_what_lies_outside_the_field_of_view_is_not_learnt(batch):
    # the encoder sees it, so the first step alone is free of it
    other = {**batch, "field_of_view": batch["field_of_view"].clone()}
    other["field_of_view"][:, :, :, 8:] = False
    (_, inside), (_, whole) = (
        train_vae(autoencoder(), [each], NegativeELBO(beta=0.0), learning_rate=1e-2, seed=0) for each in (other, batch)
    )
    output = autoencoder().train()(batch["image"], torch.Generator().manual_seed(0))
    error = (output.reconstruction - batch["image"]).detach().square()
    counted = error[other["field_of_view"].expand_as(error)].mean()
    assert inside[0]["squared_error"] == pytest.approx(float(counted), rel=1e-5)
    assert inside[0]["squared_error"] != whole[0]["squared_error"]


def test_no_patches():
    with pytest.raises(InputError, match="at least one batch"):
        train_vae(autoencoder(), [], NegativeELBO(), learning_rate=1e-2, seed=0)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_the_rate_is_checked(rate, batch):
    with pytest.raises(InputError, match="learning rate"):
        train_vae(autoencoder(), [batch], NegativeELBO(), learning_rate=rate, seed=0)


def test_divergence_says_what_to_do(batch):
    broken = {**batch, "image": batch["image"] * float("nan")}
    with pytest.raises(InputError, match=r"(?s)diverged in step 2.*lower the learning rate"):
        train_vae(autoencoder(), [batch, broken], NegativeELBO(), learning_rate=1e-2, seed=0)
