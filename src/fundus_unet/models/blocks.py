"""The convolution blocks of encoders and decoders."""

from collections.abc import Callable

from torch import Tensor, nn

NormalizationFactory = Callable[[int], nn.Module]
ActivationFactory = Callable[[], nn.Module]


class ConvBlock(nn.Module):
    """Twice (3x3 convolution, normalisation, activation): (B, C_in, H, W) -> (B, C_out, H, W)."""

    def __init__(
        self, in_channels: int, out_channels: int, normalization: NormalizationFactory, activation: ActivationFactory
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels in (in_channels, out_channels):
            conv = nn.Conv2d(channels, out_channels, 3, padding=1, bias=False)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            layers += [conv, normalization(out_channels), activation()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class StridedConvBlock(nn.Module):
    """3x3 convolution of stride 2, normalisation, activation.

    Shapes:
        (B, C_in, H, W) -> (B, C_out, ceil(H / 2), ceil(W / 2)).
    """

    def __init__(
        self, in_channels: int, out_channels: int, normalization: NormalizationFactory, activation: ActivationFactory
    ) -> None:
        super().__init__()
        conv = nn.Conv2d(in_channels, out_channels, 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        self.layers = nn.Sequential(conv, normalization(out_channels), activation())

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
