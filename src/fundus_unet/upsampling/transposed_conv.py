"""Transposed convolution: the upsampling that learns its kernel."""

from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.arithmetic import output_padding_for
from fundus_unet.upsampling.upsampler import Upsampler, init_keeping_variance


class TransposedConvUpsampler(Upsampler):
    """`ConvTranspose2d` of stride 2 whose `output_padding` follows from the size that is asked for.

    From `h` it reaches `2h` and `2h + 1` with kernel 4, padding 1 (or kernel 2, padding 0), and `2h - 1` and `2h` with
    kernel 3, padding 1.

    Shapes: see `Upsampler`. Weight `(in_channels, out_channels, kernel_size, kernel_size)`.
    Raises: `InputError` for a kernel that leaves outputs without any tap, or a size that cannot be reached.
    Source: torch.nn.ConvTranspose2d; Dumoulin & Visin, arXiv 1603.07285.
    """

    STRIDE = 2

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_size: int, padding: int, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels)
        if kernel_size < self.STRIDE:
            raise InputError(
                "the kernel is smaller than the stride, so some outputs would get no input at all",
                expected=f"kernel_size >= {self.STRIDE}",
                got=f"kernel_size={kernel_size}",
            )
        if not 0 <= padding < kernel_size:
            raise InputError(
                "the padding of a transposed convolution crops its output",
                expected=f"0 <= padding < kernel_size = {kernel_size}",
                got=f"padding={padding}",
            )
        self.conv = nn.ConvTranspose2d(
            in_channels, out_channels, kernel_size, stride=self.STRIDE, padding=padding, bias=bias
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        kernel_area = self.conv.kernel_size[0] * self.conv.kernel_size[1]
        taps = self.in_channels * kernel_area / self.STRIDE**2
        init_keeping_variance(self.conv.weight, self.conv.bias, taps)

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        for target, size in zip(output_size, x.shape[-2:], strict=True):
            output_padding_for(target, size, self.conv.kernel_size[0], self.STRIDE, int(self.conv.padding[0]))
        return self.conv(x, output_size=list(output_size))
