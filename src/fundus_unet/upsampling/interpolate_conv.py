"""Interpolation followed by a convolution: no kernel phases, so no overlap pattern."""

from torch import Tensor, nn

from fundus_unet.upsampling.interpolation import check_mode, interpolate, replicate_border
from fundus_unet.upsampling.upsampler import Upsampler, check_groups, check_odd_kernel, init_keeping_variance


class InterpolateConvUpsampler(Upsampler):
    """Resizes by interpolation, then convolves at the output resolution. Reaches any size.

    The border is replicated: zeros would make the response to a constant image differ at the rim.

    Shapes:
        see `Upsampler`. Weight `(out_channels, in_channels / groups, kernel_size, kernel_size)`.

    Convention:
        `align_corners=False`, pixel centres.

    Raises:
        InputError: For an unknown mode, an even kernel or groups that do not divide the channels.

    Source:
        Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        mode: str = "bilinear",
        kernel_size: int = 3,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels)
        check_mode(mode)
        check_odd_kernel(kernel_size)
        check_groups(in_channels, out_channels, groups)
        self.mode = mode
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, groups=groups, bias=bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init_keeping_variance(self.conv.weight, self.conv.bias, taps=self.conv.weight[0].numel())

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        resized = interpolate(x, output_size, self.mode)
        return self.conv(replicate_border(resized, self.conv.kernel_size[0] // 2))
