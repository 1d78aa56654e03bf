"""The generator of a DCGAN, whose upsampling is injected."""

from collections.abc import Sequence

from torch import Tensor, nn

from fundus_unet.comparison.generators.doublings import Doublings, check_widths
from fundus_unet.core.errors import InputError
from fundus_unet.models.blocks import ActivationFactory, NormalizationFactory
from fundus_unet.upsampling.upsampler import UpsamplerFactory, init_keeping_variance


class DCGANGenerator(nn.Module):
    """Latent vector to image: a projection, then `len(widths)` doublings, the last of which gives the image's channels.

    No convolution follows an upsampler, as in the paper: what it does to the grid is in the image. Calling the
    generator gives the values before the final tanh, which would hide differences where it saturates; `image` applies
    it. Weights keep the variance of their input instead of the paper's N(0, 0.02): that scale is the upsamplers' own
    to set, and batch normalisation removes it in training. Upsamplers are created last: at one seed, every other
    weight is the same whichever upsampler is chosen.

    Args:
        widths: The channels at every resolution but the image's, the smallest feature map's first.
        start_size: That feature map's side.

    Shapes:
        (B, latent_channels) -> (B, out_channels, S, S) with S = start_size * 2 ** len(widths).

    Convention:
        a new generator in `eval()` normalises by mean 0 and variance 1, as batch normalisation starts.

    Raises:
        InputError: For channels, widths or sizes no network can have, or a latent vector of another length.

    Source:
        Radford, Metz, Chintala, arXiv 1511.06434.
    """

    def __init__(
        self,
        latent_channels: int,
        out_channels: int,
        widths: Sequence[int],
        upsampler: UpsamplerFactory,
        start_size: int = 4,
        normalization: NormalizationFactory = nn.BatchNorm2d,
        activation: ActivationFactory = nn.ReLU,
    ) -> None:
        super().__init__()
        widths = check_widths(widths)
        if min(latent_channels, out_channels, start_size) < 1:
            raise InputError(
                "a generator needs a latent vector, a feature map to start from, and channels to give",
                expected="latent_channels >= 1, out_channels >= 1 and start_size >= 1",
                got=f"latent_channels={latent_channels}, out_channels={out_channels}, start_size={start_size}",
            )
        self.latent_channels = latent_channels
        self.start_size = start_size
        self.projection = nn.Linear(latent_channels, widths[0] * start_size**2, bias=False)
        init_keeping_variance(self.projection.weight, None, taps=latent_channels)
        self.doublings = Doublings((*widths, out_channels), upsampler, normalization, activation)

    def forward(self, latent: Tensor) -> Tensor:
        """The image before the tanh."""
        if latent.ndim != 2 or latent.shape[1] != self.latent_channels:
            raise InputError(
                "the generator cannot take this latent vector",
                expected=f"a tensor of shape (batch, {self.latent_channels})",
                got=tuple(latent.shape),
            )
        return self.doublings(self.projection(latent).unflatten(1, (-1, self.start_size, self.start_size)))

    def image(self, latent: Tensor) -> Tensor:
        """The generated image, in (-1, 1)."""
        return self(latent).tanh()
