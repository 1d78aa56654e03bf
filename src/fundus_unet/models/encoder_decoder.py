"""The half that all U-Nets share: a decoder whose upsamplers and skip connections are injected."""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.blocks import ActivationFactory, ConvBlock, NormalizationFactory
from fundus_unet.models.image_check import check_image
from fundus_unet.models.network import SegmentationNetwork
from fundus_unet.models.padding import crop_to, pad_to_multiple
from fundus_unet.models.skip import SkipFactory
from fundus_unet.upsampling.upsampler import UpsamplerFactory

LARGEST_WIDTH, LARGEST_FACTOR = 4096, 16
"""More than any U-Net in use. What is larger, as a damaged or hostile file may have it, is refused before memory is
asked for."""


class EncoderDecoder(SegmentationNetwork):
    """A U-Net but for its encoder.

    A subclass makes its encoder, then calls `add_decoder`. The input is padded to a multiple of `size_multiple` and the
    logits are cropped back, so that any upsampler fits any encoder at any image size.
    """

    @abstractmethod
    def encode(self, image: Tensor) -> list[Tensor]:
        """The features of every resolution, the image's own first; each has half the sides of the one before."""

    def add_decoder(
        self,
        widths: Sequence[int],
        out_channels: int,
        upsampler: UpsamplerFactory,
        skip: SkipFactory,
        normalization: NormalizationFactory,
        activation: ActivationFactory,
        upsampled_width: float,
    ) -> None:
        """Make decoder, head, skip connections and, last, upsamplers.

        At one seed, every other weight is the same whichever upsampler is chosen.

        Args:
            widths: The channels of the encoder's features, the image's own resolution first.
            upsampled_width: The number of channels an upsampler gives, as a multiple of the skip connection's. It
                changes parameters in the decoder alone, so that upsamplers can be compared at equal parameter counts.

        Raises:
            InputError: For a width that no network can have or none needs.
        """
        if not 0 < upsampled_width <= LARGEST_FACTOR:
            raise InputError(
                "model.upsampled_width cannot be used",
                expected=f"a number above 0, at most {LARGEST_FACTOR}",
                got=upsampled_width,
            )
        self.out_channels = out_channels
        self.depth = len(widths) - 1
        self.size_multiple = 2**self.depth
        levels = [
            (below, width, max(1, round(upsampled_width * width)))
            for below, width in zip(reversed(widths[1:]), reversed(widths[:-1]), strict=True)
        ]
        self.decoder = nn.ModuleList(
            ConvBlock(width + more, width, normalization, activation) for _, width, more in levels
        )
        self.head = nn.Conv2d(widths[0], out_channels, 1)
        self.skips = nn.ModuleList(skip(width, more) for _, width, more in levels)
        self.upsamplers = nn.ModuleList(upsampler(below, more) for below, _, more in levels)

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.in_channels)
        skips = list(self.encode(pad_to_multiple(image, self.size_multiple)))
        x = skips.pop()
        for upsampler, connection, block in zip(self.upsamplers, self.skips, self.decoder, strict=True):
            skip = skips.pop()
            upsampled = upsampler(x, skip.shape[-2:])
            x = block(torch.cat([connection(skip, upsampled), upsampled], dim=1))
        height, width = image.shape[-2:]
        return crop_to(self.head(x), (height, width))
