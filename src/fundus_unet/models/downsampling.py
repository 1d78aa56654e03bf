"""How the encoder halves its feature maps."""

from collections.abc import Callable

from torch import Tensor, nn

DownsamplerFactory = Callable[[int], nn.Module]
"""`(channels) -> module` that maps (B, C, H, W) to half the height and width."""


class MaxPoolDownsampler(nn.Module):
    """2x2 max pooling: (B, C, H, W) -> (B, C, H // 2, W // 2). Its symmetric inverse has kernel 4, padding 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.pool(x)


class StridedConvDownsampler(nn.Module):
    """3x3 convolution of stride 2: (B, C, H, W) -> (B, C, ceil(H / 2), ceil(W / 2)).

    Its symmetric inverse is the transposed convolution of kernel 3, padding 1.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="linear")

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)
