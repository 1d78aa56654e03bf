"""A variational autoencoder of patches, whose upsampling is injected."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from fundus_unet.comparison.generators.doublings import Doublings, check_widths
from fundus_unet.core.errors import InputError
from fundus_unet.models.blocks import ActivationFactory, NormalizationFactory, StridedConvBlock
from fundus_unet.upsampling.upsampler import UpsamplerFactory, init_keeping_variance


class VAEOutput(NamedTuple):
    """Shapes: `reconstruction` as the image; `mean` and `logvar` as the latent map they describe."""

    reconstruction: Tensor
    mean: Tensor
    logvar: Tensor


class VAEDecoder(nn.Module):
    """Latent map to image: a 3x3 convolution, doublings, and a 3x3 convolution to the image's channels.

    The values are unbounded, the means of a Gaussian: images are expected normalised. Upsamplers are created last.

    Args:
        widths: The channels at every resolution, the latent map's first.

    Shapes:
        (B, latent_channels, h, w) -> (B, out_channels, h * 2 ** n, w * 2 ** n) with n = len(widths) - 1.

    Raises:
        InputError: For channels or widths no network can have, or a latent map of other channels.
    """

    def __init__(
        self,
        latent_channels: int,
        out_channels: int,
        widths: Sequence[int],
        upsampler: UpsamplerFactory,
        normalization: NormalizationFactory = nn.BatchNorm2d,
        activation: ActivationFactory = nn.ReLU,
    ) -> None:
        super().__init__()
        widths = check_widths(widths)
        _check_channels(latent_channels, out_channels)
        self.latent_channels = latent_channels
        self.first = _conv(latent_channels, widths[0])
        self.last = nn.Sequential(normalization(widths[-1]), activation(), _conv(widths[-1], out_channels))
        self.doublings = Doublings(widths, upsampler, normalization, activation)

    def forward(self, latent: Tensor) -> Tensor:
        if latent.ndim != 4 or latent.shape[1] != self.latent_channels:
            raise InputError(
                "the decoder cannot take this latent map",
                expected=f"a tensor of shape (batch, {self.latent_channels}, height, width)",
                got=tuple(latent.shape),
            )
        return self.last(self.doublings(self.first(latent)))


class VAE(nn.Module):
    """Encoder of `len(widths)` strided convolutions, a map of Gaussian latents, and `VAEDecoder`.

    The latents are a map and not a vector, so that brief training suffices to reconstruct vessels, and any patch size
    fits that can be halved so often. Upsamplers are created last: at one seed, every other weight is the same
    whichever upsampler is chosen.

    Args:
        widths: The channels of the encoder, the highest resolution's first; the decoder's are the same.

    Shapes:
        (B, image_channels, H, W) -> `VAEOutput`, latents (B, latent_channels, H / 2 ** n, W / 2 ** n) with n =
        len(widths).

    Raises:
        InputError: For channels or widths no network can have, or an image of other channels or of sides that 2 **
            n does not divide.

    Source:
        Kingma & Welling, arXiv 1312.6114.
    """

    def __init__(
        self,
        image_channels: int,
        latent_channels: int,
        widths: Sequence[int],
        upsampler: UpsamplerFactory,
        normalization: NormalizationFactory = nn.BatchNorm2d,
        activation: ActivationFactory = nn.ReLU,
    ) -> None:
        super().__init__()
        widths = check_widths(widths)
        _check_channels(latent_channels, image_channels)
        self.image_channels = image_channels
        self.stride = 2 ** len(widths)
        steps = zip((image_channels, *widths[:-1]), widths, strict=True)
        self.encoder = nn.Sequential(*(StridedConvBlock(a, b, normalization, activation) for a, b in steps))
        self.posterior = _conv(widths[-1], 2 * latent_channels)
        self.decoder = VAEDecoder(
            latent_channels, image_channels, (*reversed(widths), widths[0]), upsampler, normalization, activation
        )

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the latents' posterior."""
        if image.ndim != 4 or image.shape[1] != self.image_channels or any(s % self.stride for s in image.shape[2:]):
            raise InputError(
                "the autoencoder cannot take this image",
                expected=f"a tensor of shape (batch, {self.image_channels}, height, width), both sides multiples of "
                f"{self.stride}",
                got=tuple(image.shape),
            )
        mean, logvar = self.posterior(self.encoder(image)).chunk(2, dim=1)
        return mean, logvar

    def forward(self, image: Tensor, generator: torch.Generator | None = None) -> VAEOutput:
        """Decodes latents sampled from the posterior; `decoder(encode(image)[0])` decodes their mean instead."""
        mean, logvar = self.encode(image)
        return VAEOutput(self.decoder(reparameterize(mean, logvar, generator)), mean, logvar)


def reparameterize(mean: Tensor, logvar: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """A sample of N(mean, exp(logvar)) that gradients pass through; `generator` is a CPU one, on any device."""
    noise = torch.randn(mean.shape, generator=generator).to(mean)
    return mean + noise * torch.exp(0.5 * logvar)


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
    init_keeping_variance(conv.weight, conv.bias, taps=9 * in_channels)
    return conv


def _check_channels(latent_channels: int, image_channels: int) -> None:
    if min(latent_channels, image_channels) < 1:
        raise InputError(
            "an autoencoder needs channels for its latents and its image",
            expected="latent_channels >= 1 and image_channels >= 1",
            got=f"latent_channels={latent_channels}, image_channels={image_channels}",
        )
