"""The other networks that the same layers live in: a DCGAN generator, a VAE decoder, an FCN head."""

import functools
from collections.abc import Callable, Sequence

import torch
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from torch import Tensor, nn

from fundus_unet.commands.training_objects import make_datamodule
from fundus_unet.commands.variants import with_upsampler
from fundus_unet.comparison.checkerboard.candidates import INIT, TRAINED, Candidate, Subject, TestImage
from fundus_unet.comparison.generators.dcgan import DCGANGenerator
from fundus_unet.comparison.generators.elbo import NegativeELBO
from fundus_unet.comparison.generators.fcn import FCN
from fundus_unet.comparison.generators.vae import VAE
from fundus_unet.comparison.generators.vae_training import train_vae
from fundus_unet.core.errors import InputError
from fundus_unet.core.seeding import generator_for
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.runs.build import build


def generator_candidates(config: DictConfig, names: Sequence[str], console: Console) -> list[Candidate]:
    """The chosen generator with every upsampler and seed: new, and for the VAE also briefly trained.

    Raises:
        InputError: Where it cannot be built, or the VAE's training images cannot be read.
    """
    first = new_generator(config, names[0], config.seeds[0])
    if isinstance(first, VAE):
        return _vae_candidates(config, names, console)
    subject = _of_latents if isinstance(first, DCGANGenerator) else _of_images
    return [
        Candidate(name, INIT, seed, functools.partial(_new_subject, config, name, seed, subject))
        for name in names
        for seed in config.seeds
    ]


def new_generator(config: DictConfig, name: str, seed: int) -> nn.Module:
    """Raise `InputError` where the configuration is of no generator that can be measured."""
    upsampler = build(with_upsampler(config, name).model.upsampler, trusted=True)
    torch.manual_seed(seed)
    generator = build(config.generator, trusted=True, upsampler=upsampler)
    if not isinstance(generator, DCGANGenerator | VAE | FCN):
        raise InputError(
            "the checkerboards of this network cannot be compared",
            expected="generator=dcgan, vae or fcn",
            got=type(generator).__name__,
        )
    return generator


def _new_subject(
    config: DictConfig,
    name: str,
    seed: int,
    subject: Callable[[nn.Module, Sequence[TestImage]], Subject],
    images: Sequence[TestImage],
) -> Subject:
    return subject(new_generator(config, name, seed), images)


def _of_images(network: nn.Module, images: Sequence[TestImage]) -> Subject:
    return Subject(network, list(images))


def _of_latents(network: nn.Module, images: Sequence[TestImage]) -> Subject:
    """As many latent vectors as there are images, the same for every network."""
    assert isinstance(network, DCGANGenerator)
    drawn = [
        generator_for(0, "latent", number).standard_normal(network.latent_channels) for number in range(len(images))
    ]
    latents = (torch.from_numpy(values).float()[None] for values in drawn)
    return Subject(network, [TestImage(f"latent {n}", latent, None, None) for n, latent in enumerate(latents)])


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


def _vae_candidates(config: DictConfig, names: Sequence[str], console: Console) -> list[Candidate]:
    """Every VAE as it starts and after `config.vae_training`, on the same patches."""
    settings = config.vae_training
    patches = config.copy()
    OmegaConf.set_struct(patches, False)
    patches.seed = 0  # of the patches: the same for every network
    patches.data.patch_size, patches.data.batch_size = settings.patch_size, settings.batch_size
    patches.data.steps_per_epoch = settings.steps
    splits = build(config.data.source, trusted=True).splits()
    data = make_datamodule(patches, splits, True, console)
    loss = NegativeELBO(settings.beta)
    return [
        Candidate(name, state, seed, functools.partial(_vae_subject, config, name, seed, state, data, loss))
        for name in names
        for seed in config.seeds
        for state in (INIT, TRAINED)
    ]


def _vae_subject(
    config: DictConfig,
    name: str,
    seed: int,
    state: str,
    data: FundusDataModule,
    loss: NegativeELBO,
    images: Sequence[TestImage],
) -> Subject:
    vae = new_generator(config, name, seed)
    assert isinstance(vae, VAE)
    if state == TRAINED:
        rate = config.vae_training.learning_rate
        vae, _ = train_vae(vae, data.train_dataloader(), loss, learning_rate=rate, seed=seed)
    return _of_reconstructions(vae, images)
