"""What the project asks of a network, and how a module from elsewhere is given it."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.image_check import check_image
from fundus_unet.models.padding import crop_to, pad_to_multiple

IMAGE_CHANNELS = 3
USUAL_MULTIPLE, LARGEST_MULTIPLE, LARGEST_CONTEXT = 32, 4096, 2**16


class SegmentationNetwork(nn.Module, ABC):
    """Maps images of any size to logits; pads them itself where it must.

    Attributes:
        in_channels: Channels of the image.
        size_multiple: The network pads the sides of an image to multiples of it. Tiles begin at multiples of it, and
            exported programs take such sides only.
        context: Logits depend on no pixel farther away; None where that is not known, or farther than tiles can
            afford: then tiles overlap by half.

    Shapes:
        (B, in_channels, H, W) -> (B, 1, H, W), H and W from 1 up.

    Units:
        `size_multiple` and `context` in pixels.
    """

    in_channels: int
    size_multiple: int
    context: int | None = None

    @abstractmethod
    def forward(self, image: Tensor) -> Tensor: ...

    def describe(self) -> str:
        """A few words for the screen, such as `U-Net [16, 32, 64]`."""
        return type(self).__name__


class PaddedNetwork(SegmentationNetwork):
    """A module from elsewhere, whose input is padded to the sides it takes and whose logits are cropped back.

    What it needs is read from its attributes `in_channels`, `size_multiple` and `context`. Where it has none, it takes
    3 channels and multiples of 32, as encoders with five halvings do, and how far it sees is not known.

    Raises:
        InputError: Where it does not give one logit per pixel of such an image, which is tried once.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.in_channels = _stated(network, "in_channels", IMAGE_CHANNELS, 1, 4096)
        self.size_multiple = _stated(network, "size_multiple", USUAL_MULTIPLE, 1, LARGEST_MULTIPLE)
        has_context = getattr(network, "context", None) is not None
        self.context = _stated(network, "context", 0, 0, LARGEST_CONTEXT) if has_context else None
        self._try()

    def forward(self, image: Tensor) -> Tensor:
        check_image(image, self.in_channels)
        height, width = image.shape[-2:]
        return crop_to(self.network(pad_to_multiple(image, self.size_multiple)), (height, width))

    def describe(self) -> str:
        return type(self.network).__name__

    @torch.no_grad()
    def _try(self) -> None:
        """One forward pass in evaluation mode, which draws no random number that training would miss."""
        height, width = 2 * self.size_multiple, 3 * self.size_multiple
        name, was_training = self.describe(), self.network.training
        try:
            with torch.random.fork_rng(devices=[]):
                logits = self.network.eval()(torch.zeros(1, self.in_channels, height, width))
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(
                f"the network {name} cannot take an image of {height} x {width} pixels: {reason:.300}",
                expected=f"a module that maps (batch, {self.in_channels}, height, width) to logits (batch, 1, height, "
                f"width) where both sides are multiples of {self.size_multiple}",
                fix="give it an attribute size_multiple (and in_channels) that says what it takes",
            ) from error
        self.network.train(was_training)
        if not isinstance(logits, Tensor) or logits.shape != (1, 1, height, width):
            got = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
            raise InputError(
                f"the network {name} does not give one logit per pixel",
                expected=f"a tensor of shape {(1, 1, height, width)} for an image of {height} x {width} pixels",
                got=got,
                fix="set its number of classes to 1, or wrap it in a module that returns the logits alone",
            )


def as_network(module: nn.Module) -> SegmentationNetwork:
    """The module itself where it is one of the project's networks, else one that pads for it.

    Raises:
        InputError: For a module that does not give logits, or is of another task than images of three channels.
    """
    if not isinstance(module, nn.Module):
        raise InputError("this is no network", expected="a torch.nn.Module", got=type(module).__name__)
    network = module if isinstance(module, SegmentationNetwork) else PaddedNetwork(module)
    out_channels = getattr(network, "out_channels", 1)
    if network.in_channels != IMAGE_CHANNELS or out_channels != 1:
        raise InputError(
            "the model is of another task",
            expected=f"in_channels={IMAGE_CHANNELS} and out_channels=1: colour images, and the logit of vessel",
            got=f"in_channels={network.in_channels}, out_channels={out_channels}",
        )
    return network


def _stated(network: nn.Module, name: str, default: int, least: int, most: int) -> int:
    value = getattr(network, name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InputError(
            f"the attribute {name} of the network {type(network).__name__} cannot be used",
            expected=f"an integer from {least} to {most}",
            got=f"{value!r:.200}",
        )
    return value
