"""Transposed convolution: the upsampling that learns its kernel."""

import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.arithmetic import output_padding_for, transposed_formula, transposed_output_size
from fundus_unet.upsampling.upsampler import Upsampler, check_groups, init_keeping_variance


class TransposedConvUpsampler(Upsampler):
    """`ConvTranspose2d` of stride 2 whose `output_padding` follows from the size that is asked for, or is fixed.

    From `h` it reaches `2h` and `2h + 1` with kernel 4, padding 1, and `2h - 1` and `2h` with kernel 3, padding 1.
    Kernel 2, padding 0 reaches `2h` and `2h + 1` too, but no kernel covers the last row and column of `2h + 1`: they
    are the bias alone. A fixed `output_padding` reaches one size only.

    Shapes:
        see `Upsampler`. Weight `(in_channels, out_channels / groups, kernel_size, kernel_size)`.

    Raises:
        InputError: For a kernel that leaves outputs without any tap, groups that do not divide the channels, or a
            size that cannot be reached.

    Source:
        torch.nn.ConvTranspose2d; Dumoulin & Visin, arXiv 1603.07285.
    """

    STRIDE = 2

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        padding: int,
        output_padding: int | None = None,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        super().__init__(in_channels, out_channels)
        _check_kernel(kernel_size, padding, output_padding, self.STRIDE)
        check_groups(in_channels, out_channels, groups)
        self.kernel_size = kernel_size
        self.padding = padding
        self.output_padding = output_padding
        self.conv = nn.ConvTranspose2d(
            in_channels, out_channels, kernel_size, stride=self.STRIDE, padding=padding, groups=groups, bias=bias
        )
        self.reset_parameters()

    @property
    def taps(self) -> float:
        """Products summed into one output value: the mean over the four phases, away from the border."""
        return self.in_channels / self.conv.groups * self.kernel_size**2 / self.STRIDE**2

    def reset_parameters(self) -> None:
        init_keeping_variance(self.conv.weight, self.conv.bias, self.taps)

    def kernel(self) -> Tensor:
        """The kernel in effect; a subclass may compute it from its weights."""
        return self.conv.weight

    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor:
        output_padding = [
            self._output_padding(target, size) for target, size in zip(output_size, x.shape[-2:], strict=True)
        ]
        return F.conv_transpose2d(
            x, self.kernel(), self.conv.bias, self.STRIDE, self.padding, output_padding, self.conv.groups
        )

    def _output_padding(self, target: int, size: int) -> int:
        if self.output_padding is None:
            return output_padding_for(target, size, self.kernel_size, self.STRIDE, self.padding)
        options = (size, self.kernel_size, self.STRIDE, self.padding, self.output_padding)
        reached = transposed_output_size(*options)
        if target != reached:
            raise InputError(
                f"a transposed convolution whose output_padding is fixed at {self.output_padding} turns length {size} "
                f"into {transposed_formula(*options)} = {reached}, not {target}",
                expected=f"one of {[reached]}",
                got=target,
                fix="leave output_padding null, so that it follows from the size that is asked for",
            )
        return self.output_padding


def _check_kernel(kernel_size: int, padding: int, output_padding: int | None, stride: int) -> None:
    if kernel_size < stride:
        raise InputError(
            "the kernel is smaller than the stride, so some outputs would get no input at all",
            expected=f"kernel_size >= {stride}",
            got=f"kernel_size={kernel_size}",
        )
    if not 0 <= padding < kernel_size:
        raise InputError(
            "the padding of a transposed convolution crops its output",
            expected=f"0 <= padding < kernel_size = {kernel_size}",
            got=f"padding={padding}",
        )
    if output_padding is not None and not 0 <= output_padding < stride:
        raise InputError(
            "the output_padding of a transposed convolution chooses among the sizes that one stride spans",
            expected=f"0 <= output_padding < stride = {stride}, or null",
            got=f"output_padding={output_padding}",
        )
