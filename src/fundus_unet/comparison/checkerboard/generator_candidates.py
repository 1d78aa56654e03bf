"""The other networks that the same upsamplers live in, as candidates: DCGAN generator, VAE decoder, FCN."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fundus_unet.comparison.checkerboard.candidates import (
    Builds,
    Candidate,
    Subject,
    TestImage,
    seeded,
    untrained_candidates,
)
from fundus_unet.comparison.checkerboard.states import INIT, TRAINED
from fundus_unet.comparison.generators.dcgan import DCGANGenerator
from fundus_unet.comparison.generators.elbo import NegativeELBO
from fundus_unet.comparison.generators.fcn import FCN
from fundus_unet.comparison.generators.vae import VAE
from fundus_unet.comparison.generators.vae_training import Batches, train_vae
from fundus_unet.core.errors import InputError
from fundus_unet.core.seeding import generator_for


@dataclass(frozen=True)
class VAETraining:
    """How briefly a VAE is trained.

    Args:
        patches: Makes the loader of all batches, the same ones each time.
        beta: The weight of the KL divergence.
    """

    patches: Callable[[], Batches]
    learning_rate: float
    beta: float


def generator_candidates(
    builds: Builds, seeds: Sequence[int], vae_training: Callable[[], VAETraining]
) -> list[Candidate]:
    """The chosen generator with every upsampler and seed: untrained, and for the VAE also briefly trained.

    Args:
        builds: By upsampler.
        seeds: Of the weights.
        vae_training: Called for VAEs alone; reads the images of their training.

    Raises:
        InputError: Where a generator cannot be built, or is none that can be measured.
    """
    first = seeded(next(iter(builds.values())), seeds[0])
    if isinstance(first, VAE):
        return _vae_candidates(builds, seeds, vae_training())
    if isinstance(first, DCGANGenerator):
        return untrained_candidates(builds, seeds, _of_latents)
    if isinstance(first, FCN):
        return untrained_candidates(builds, seeds)
    raise InputError(
        "the checkerboards of this network cannot be compared",
        expected="generator=dcgan, vae or fcn",
        got=type(first).__name__,
    )


def _of_latents(network: DCGANGenerator, images: Sequence[TestImage]) -> Subject:
    """As many latent vectors as there are images, the same for every network."""
    latents = []
    for number in range(len(images)):
        values = generator_for(0, "latent", number).standard_normal(network.latent_channels)
        latents.append(TestImage(f"latent {number}", torch.from_numpy(values).float()[None], None, None))
    return Subject(network, latents)


@torch.no_grad()
def _of_reconstructions(vae: VAE, images: Sequence[TestImage]) -> Subject:
    """The decoder, and the latent maps of the images: their upper left part that the encoder can halve."""
    vae.eval()
    latents = []
    for one in images:
        height, width = (side // vae.stride * vae.stride for side in one.image.shape[-2:])

        def part(mask: Tensor | None, height: int = height, width: int = width) -> Tensor | None:
            return None if mask is None else mask[:height, :width]

        mean, _ = vae.encode(one.image[..., :height, :width])
        latents.append(TestImage(one.name, mean, part(one.region), part(one.background)))
    return Subject(vae.decoder, latents)


def _vae_candidates(builds: Builds, seeds: Sequence[int], training: VAETraining) -> list[Candidate]:
    """Every VAE as it starts and after brief training, on the same patches."""

    def subject(name: str, seed: int, state: str, images: Sequence[TestImage]) -> Subject:
        vae = seeded(builds[name], seed)
        assert isinstance(vae, VAE)
        if state == TRAINED:
            loss, rate = NegativeELBO(training.beta), training.learning_rate
            vae, _ = train_vae(vae, training.patches(), loss, learning_rate=rate, seed=seed)
        return _of_reconstructions(vae, images)

    return [
        Candidate(name, state, seed, functools.partial(subject, name, seed, state))
        for name in builds
        for seed in seeds
        for state in (INIT, TRAINED)
    ]
