"""What happens to a skip connection on its way from the encoder to the decoder."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn


class SkipConnection(nn.Module, ABC):
    """Changes the encoder's features before a decoder block concatenates them with the upsampled ones.

    Shapes:
        (B, skip_channels, H, W), (B, gate_channels, H, W) -> (B, skip_channels, H, W).
    """

    sees_all = False
    """Whether a pixel depends on all of the image, as after global pooling; then `context` of the network is None."""

    @abstractmethod
    def forward(self, skip: Tensor, upsampled: Tensor) -> Tensor: ...


SkipFactory = Callable[[int, int], SkipConnection]
"""`(skip_channels, gate_channels) -> SkipConnection`."""


class PlainSkip(SkipConnection):
    """The encoder's features as they are; without weights."""

    def __init__(self, skip_channels: int, gate_channels: int) -> None:
        super().__init__()

    def forward(self, skip: Tensor, upsampled: Tensor) -> Tensor:
        return skip
