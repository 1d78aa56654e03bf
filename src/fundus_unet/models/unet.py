"""U-Net whose decoder upsampling and encoder downsampling are injected."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.blocks import ActivationFactory, ConvBlock, NormalizationFactory
from fundus_unet.models.downsampling import DownsamplerFactory
from fundus_unet.models.image_check import check_image
from fundus_unet.models.padding import crop_to, pad_to_multiple
from fundus_unet.upsampling.upsampler import UpsamplerFactory

MOST_WIDTHS, LARGEST_WIDTH, LARGEST_FACTOR = 12, 4096, 16
"""More than any U-Net in use: twelve resolutions halve an image of 2048 pixels to one. What is larger, as a damaged or
hostile file may have it, is refused before memory is asked for."""


class UNet(nn.Module):
    """Encoder and decoder of `len(widths) - 1` halvings with skip connections; gives logits.

    The input is padded to a multiple of `2 ** depth` and the logits are cropped back, so that any downsampler and any
    upsampler fit each other at any image size. Upsamplers are created last: at one seed, every other weight is the
    same whichever upsampler is chosen.

    Args:
        upsampled_width: The number of channels an upsampler gives, as a multiple of the skip connection's. It
            changes parameters in the decoder alone, so that upsamplers can be compared at equal parameter counts.

    Shapes:
        (B, in_channels, H, W) -> (B, out_channels, H, W), H and W from 1 up.

    Raises:
        InputError: For widths or channels no network can have or none needs (at most 12 widths, up to 4096), or an
            image of other channels.

    Source:
        Ronneberger, Fischer, Brox, arXiv 1505.04597, here with padding and normalisation.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int],
        upsampler: UpsamplerFactory,
        downsampler: DownsamplerFactory,
        normalization: NormalizationFactory = nn.BatchNorm2d,
        activation: ActivationFactory = nn.ReLU,
        upsampled_width: float = 1.0,
    ) -> None:
        super().__init__()
        widths = _check(in_channels, out_channels, widths)
        if not 0 < upsampled_width <= LARGEST_FACTOR:
            raise InputError(
                "model.upsampled_width cannot be used",
                expected=f"a number above 0, at most {LARGEST_FACTOR}",
                got=upsampled_width,
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.depth = len(widths) - 1
        outer, inner = widths[:-1], widths[1:]
        upsampled = [max(1, round(upsampled_width * width)) for width in outer]

        def block(channels_in: int, channels_out: int) -> ConvBlock:
            return ConvBlock(channels_in, channels_out, normalization, activation)

        self.stem = block(in_channels, widths[0])
        self.downsamplers = nn.ModuleList(downsampler(width) for width in outer)
        self.encoder = nn.ModuleList(block(a, b) for a, b in zip(outer, inner, strict=True))
        self.decoder = nn.ModuleList(
            block(width + more, width) for width, more in zip(reversed(outer), reversed(upsampled), strict=True)
        )
        self.head = nn.Conv2d(widths[0], out_channels, 1)
        self.upsamplers = nn.ModuleList(
            upsampler(width, more) for width, more in zip(reversed(inner), reversed(upsampled), strict=True)
        )

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.in_channels)
        x = self.stem(pad_to_multiple(image, 2**self.depth))
        skips = []
        for downsampler, block in zip(self.downsamplers, self.encoder, strict=True):
            skips.append(x)
            x = block(downsampler(x))
        for upsampler, block in zip(self.upsamplers, self.decoder, strict=True):
            skip = skips.pop()
            x = block(torch.cat([skip, upsampler(x, skip.shape[-2:])], dim=1))
        height, width = image.shape[-2:]
        return crop_to(self.head(x), (height, width))


def _check(in_channels: int, out_channels: int, widths: Sequence[int]) -> tuple[int, ...]:
    if not 1 <= min(in_channels, out_channels) <= max(in_channels, out_channels) <= LARGEST_WIDTH:
        raise InputError(
            "a network needs channels in and out",
            expected=f"in_channels >= 1 and out_channels >= 1, at most {LARGEST_WIDTH}",
            got=f"in_channels={in_channels}, out_channels={out_channels}",
        )
    widths = tuple(widths)
    fits = all(isinstance(width, int) and 1 <= width <= LARGEST_WIDTH for width in widths)
    if not 2 <= len(widths) <= MOST_WIDTHS or not fits:
        raise InputError(
            "the list of widths does not make a U-Net",
            expected="at least two positive integers, one per resolution (depth = length - 1), such as [16,32,64]; "
            f"at most {MOST_WIDTHS}, up to {LARGEST_WIDTH}",
            got=f"{len(widths)} widths" if len(widths) > MOST_WIDTHS else list(widths),
            fix="set model.widths",
        )
    return widths
