"""A 1x1 convolution followed by interpolation: the order that costs a quarter."""

from torch import Tensor, nn

from fundus_unet.upsampling.interpolation import check_mode, interpolate
from fundus_unet.upsampling.upsampler import Upsampler, check_groups, init_keeping_variance


class ConvInterpolateUpsampler(Upsampler):
    """Mixes the channels at the low resolution, then resizes by interpolation. Reaches any size.

    Interpolating first gives the same values at four times the multiplications. A 1x1 convolution acts on channels
    alone and interpolation on pixels alone, so the two linear maps commute; the bias passes through, because the
    weights of an interpolation sum to one. A larger kernel acts on pixels too, and would not commute.

    Shapes:
        see `Upsampler`. Weight `(out_channels, in_channels / groups, 1, 1)`.

    Convention:
        `align_corners=False`, pixel centres.

    Raises:
        InputError: For an unknown mode or groups that do not divide the channels.

    Source:
        Aitken et al., "Checkerboard artifact free sub-pixel convolution", arXiv 1707.02937, compares both orders.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, mode: str = "bilinear", groups: int = 1, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels)
        check_mode(mode)
        check_groups(in_channels, out_channels, groups)
        self.mode = mode
        self.conv = nn.Conv2d(in_channels, out_channels, 1, groups=groups, bias=bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init_keeping_variance(self.conv.weight, self.conv.bias, taps=self.conv.weight[0].numel())

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        return interpolate(self.conv(x), output_size, self.mode)
