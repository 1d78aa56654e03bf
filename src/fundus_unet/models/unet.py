"""U-Net whose decoder upsampling and encoder downsampling are injected."""

from collections.abc import Sequence

from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.blocks import ActivationFactory, ConvBlock, NormalizationFactory
from fundus_unet.models.downsampling import DownsamplerFactory
from fundus_unet.models.encoder_decoder import LARGEST_WIDTH, EncoderDecoder
from fundus_unet.models.skip import PlainSkip, SkipFactory
from fundus_unet.upsampling.upsampler import UpsamplerFactory

MOST_WIDTHS = 12
"""Twelve resolutions halve an image of 2048 pixels to one."""


class UNet(EncoderDecoder):
    """Encoder and decoder of `len(widths) - 1` halvings with skip connections; gives logits.

    The input is padded to a multiple of `2 ** depth` and the logits are cropped back, so that any downsampler and any
    upsampler fit each other at any image size. Upsamplers are created last: at one seed, every other weight is the
    same whichever upsampler is chosen.

    Args:
        upsampled_width: The number of channels an upsampler gives, as a multiple of the skip connection's. It
            changes parameters in the decoder alone, so that upsamplers can be compared at equal parameter counts.
        skip: Makes what changes a skip connection, such as `AttentionGate`.

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
        skip: SkipFactory = PlainSkip,
    ) -> None:
        super().__init__()
        self.widths = widths = _check(in_channels, out_channels, widths)
        self.in_channels = in_channels
        outer, inner = widths[:-1], widths[1:]
        self.stem = ConvBlock(in_channels, widths[0], normalization, activation)
        self.downsamplers = nn.ModuleList(downsampler(width) for width in outer)
        self.encoder = nn.ModuleList(
            ConvBlock(a, b, normalization, activation) for a, b in zip(outer, inner, strict=True)
        )
        self.add_decoder(widths, out_channels, upsampler, skip, normalization, activation, upsampled_width)
        # the 3x3 convolutions of all levels together reach less far
        self.context = None if any(one.sees_all for one in self.skips) else 8 * self.size_multiple

    def encode(self, image: Tensor) -> list[Tensor]:
        features = [self.stem(image)]
        for downsampler, block in zip(self.downsamplers, self.encoder, strict=True):
            features.append(block(downsampler(features[-1])))
        return features

    def describe(self) -> str:
        skip = type(self.skips[0])
        return f"U-Net {list(self.widths)}" + ("" if skip is PlainSkip else f" with {skip.__name__}")


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
