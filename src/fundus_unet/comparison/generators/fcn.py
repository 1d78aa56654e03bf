"""A fully convolutional network with skips at strides 8, 16 and 32, whose upsampling is injected."""

from collections.abc import Sequence

from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.blocks import ActivationFactory, NormalizationFactory, StridedConvBlock
from fundus_unet.models.image_check import check_image
from fundus_unet.models.padding import crop_to, pad_to_multiple
from fundus_unet.upsampling.upsampler import UpsamplerFactory, init_keeping_variance


class FCNHead(nn.Module):
    """The head of FCN-8s: scores three feature maps, adds them up from coarse to fine, and doubles to the image.

    The paper brings the sum at stride 8 to the image by one transposed convolution of kernel 16 and stride 8. The
    upsamplers here double, so three of them take its place: then the whole head is made of one kind, and any of them
    fits. The paper's scores start at zero and its upsamplings as bilinear ones; here scores start at random, because an
    untrained head shall have something to show, and an upsampler sets its own weights. No activation follows an
    upsampler, as in the paper. Upsamplers are created last.

    Args:
        in_channels: Of the features at strides 8, 16 and 32.

    Shapes:
        features (B, C_8, h, w), (B, C_16, h / 2, w / 2), (B, C_32, h / 4, w / 4), `output_size` = (8h, 8w) ->
        logits (B, out_channels, 8h, 8w). Sizes that are no exact doubles work where the upsampler reaches them.

    Raises:
        InputError: For channels no head can have, features of others, or a size that cannot be reached.

    Source:
        Long, Shelhamer, Darrell, arXiv 1411.4038.
    """

    def __init__(self, in_channels: Sequence[int], out_channels: int, upsampler: UpsamplerFactory) -> None:
        super().__init__()
        self.in_channels = tuple(in_channels)
        if len(self.in_channels) != 3 or min(*self.in_channels, out_channels) < 1:
            raise InputError(
                "an FCN-8s head scores three feature maps",
                expected="three in_channels (strides 8, 16, 32) and out_channels, each >= 1",
                got=f"in_channels={list(self.in_channels)}, out_channels={out_channels}",
            )
        self.scores = nn.ModuleList(_score(channels, out_channels) for channels in self.in_channels)
        self.upsamplers = nn.ModuleList(upsampler(out_channels, out_channels) for _ in range(5))

    def forward(self, features: Sequence[Tensor], output_size: tuple[int, int]) -> Tensor:
        if tuple(feature.shape[1] for feature in features) != self.in_channels:
            raise InputError(
                "the head cannot take these features",
                expected=f"three of {self.in_channels} channels, at strides 8, 16 and 32",
                got=[tuple(feature.shape) for feature in features],
            )
        at_8, at_16, at_32 = (score(feature) for score, feature in zip(self.scores, features, strict=True))
        up_to_16, up_to_8, *up_to_image = self.upsamplers
        x = at_16 + up_to_16(at_32, at_16.shape[-2:])
        x = at_8 + up_to_8(x, at_8.shape[-2:])
        for stride, upsampler in zip((4, 2, 1), up_to_image, strict=True):
            height, width = (-(-side // stride) for side in output_size)
            x = upsampler(x, (height, width))
        return x


class FCN(nn.Module):
    """A small encoder of five strided convolutions under `FCNHead`; gives logits.

    The input is padded to a multiple of 32 and the logits are cropped back, so that any upsampler fits any image size.
    Upsamplers are created last: at one seed, every other weight is the same whichever upsampler is chosen.

    Args:
        widths: The encoder's channels at strides 2, 4, 8, 16 and 32.

    Shapes:
        (B, in_channels, H, W) -> (B, out_channels, H, W), H and W from 1 up.

    Raises:
        InputError: For widths or channels no network can have, or an image of other channels.
    """

    STRIDE = 32

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int],
        upsampler: UpsamplerFactory,
        normalization: NormalizationFactory = nn.BatchNorm2d,
        activation: ActivationFactory = nn.ReLU,
    ) -> None:
        super().__init__()
        widths = tuple(widths)
        if len(widths) != 5 or any(not isinstance(width, int) or width < 1 for width in (in_channels, *widths)):
            raise InputError(
                "the list of widths does not make an FCN-8s",
                expected="five positive integers, one per stride 2, 4, 8, 16, 32, and in_channels >= 1",
                got=f"in_channels={in_channels}, widths={list(widths)}",
                fix="set generator.widths",
            )
        self.in_channels = in_channels
        steps = zip((in_channels, *widths[:-1]), widths, strict=True)
        self.encoder = nn.ModuleList(StridedConvBlock(a, b, normalization, activation) for a, b in steps)
        self.head = FCNHead(widths[2:], out_channels, upsampler)

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.in_channels)
        x = padded = pad_to_multiple(image, self.STRIDE)
        features = []
        for block in self.encoder:
            x = block(x)
            features.append(x)
        height, width = image.shape[-2:]
        return crop_to(self.head(features[2:], padded.shape[-2:]), (height, width))


def _score(in_channels: int, out_channels: int) -> nn.Conv2d:
    conv = nn.Conv2d(in_channels, out_channels, 1)
    init_keeping_variance(conv.weight, conv.bias, taps=in_channels)
    return conv
