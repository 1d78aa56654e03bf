"""U-Net whose encoder is torchvision's ResNet-18 or ResNet-34."""

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.blocks import ActivationFactory, ConvBlock, NormalizationFactory
from fundus_unet.models.encoder_decoder import LARGEST_WIDTH, EncoderDecoder
from fundus_unet.models.network import IMAGE_CHANNELS
from fundus_unet.models.skip import PlainSkip, SkipFactory
from fundus_unet.upsampling.upsampler import UpsamplerFactory

ENCODERS = {"resnet18": "ResNet18_Weights", "resnet34": "ResNet34_Weights"}
RESNET_WIDTHS = (64, 64, 128, 256, 512)


class ResNetUNet(EncoderDecoder):
    """A ResNet of five halvings and a decoder like `UNet`'s; gives logits.

    ResNet's finest features have half the image's resolution, and a thin vessel is a pixel or two wide. So a block of
    two convolutions gives the outermost skip connection. ResNet halves by its own convolutions and pooling: there is no
    downsampler to choose. It sees farther than tiles can afford, so `context` is None.

    The project's images need no other normalisation for ImageNet's weights: those were trained with the mean of
    ImageNet taken away and a division by the mean over images of each image's own standard deviation. So they expect
    what a per-image normalisation gives, zero mean and unit variance.

    Args:
        weights: `imagenet` for the encoder's weights trained on ImageNet, which torchvision downloads where they are
            not in its folder; None for new ones.
        stem_width: Channels of the outermost skip connection.
        upsampled_width: As in `UNet`.

    Shapes:
        (B, 3, H, W) -> (B, 1, H, W), H and W from 1 up.

    Raises:
        InputError: For an unknown encoder, weights that cannot be had, or an image of other channels.

    Source:
        He et al., arXiv 1512.03385. Scale of the normalisation: github.com/pytorch/vision/pull/1965.
    """

    in_channels = IMAGE_CHANNELS

    def __init__(
        self,
        upsampler: UpsamplerFactory,
        encoder: Literal["resnet18", "resnet34"] = "resnet34",
        weights: Literal["imagenet"] | None = None,
        stem_width: int = 16,
        normalization: NormalizationFactory = nn.BatchNorm2d,
        activation: ActivationFactory = nn.ReLU,
        upsampled_width: float = 1.0,
        skip: SkipFactory = PlainSkip,
    ) -> None:
        super().__init__()
        if not isinstance(stem_width, int) or not 1 <= stem_width <= LARGEST_WIDTH:
            raise InputError(
                "model.stem_width cannot be used", expected=f"an integer from 1 to {LARGEST_WIDTH}", got=stem_width
            )
        self.name = encoder
        self.stem = ConvBlock(IMAGE_CHANNELS, stem_width, normalization, activation)
        self.encoder = _resnet(encoder, weights)
        widths = (stem_width, *RESNET_WIDTHS)
        self.add_decoder(widths, 1, upsampler, skip, normalization, activation, upsampled_width)

    def encode(self, image: Tensor) -> list[Tensor]:
        features, x = [self.stem(image)], image
        for stage in self.encoder:
            x = stage(x)
            features.append(x)
        return features

    def describe(self) -> str:
        return f"U-Net on {self.name}"


def _resnet(name: str, weights: str | None) -> nn.ModuleList:
    """The stages of a ResNet, each of which halves."""
    if name not in ENCODERS or weights not in (None, "imagenet"):
        raise InputError(
            "there is no such encoder",
            expected=f"model.encoder={' or '.join(ENCODERS)}, model.weights=imagenet or null",
            got=f"model.encoder={name}, model.weights={weights}",
        )
    import torchvision  # takes a second, and no other network needs it

    resnet = getattr(torchvision.models, name)()
    if weights is not None:
        resnet.load_state_dict(_imagenet(getattr(torchvision.models, ENCODERS[name]).IMAGENET1K_V1))
    first = nn.Sequential(resnet.conv1, resnet.bn1, resnet.relu)
    second = nn.Sequential(resnet.maxpool, resnet.layer1)
    return nn.ModuleList([first, second, resnet.layer2, resnet.layer3, resnet.layer4])


def _imagenet(weights: "torchvision.models.WeightsEnum") -> dict[str, Tensor]:  # type: ignore[name-defined]  # noqa: F821
    try:
        state: dict[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors; a wrong hash is a RuntimeError
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise InputError(
            f"the weights trained on ImageNet cannot be downloaded: {error}",
            expected=f"a connection to the internet, or the file in {folder}",
            fix=f"set model.weights=null, or download {weights.url} elsewhere and put it into {folder}",
        ) from error
    return state
