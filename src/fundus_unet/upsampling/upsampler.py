"""The contract every decoder upsampling meets."""

from abc import ABC, abstractmethod
from collections.abc import Callable

from torch import Tensor, nn

from fundus_unet.core.errors import InputError


class Upsampler(nn.Module, ABC):
    """Maps a feature map to about twice its height and width, and `in_channels` to `out_channels`.

    Each operation changes the channels itself, so decoder blocks are the same whichever one is chosen.

    Shapes:
        `forward(x: (B, in_channels, h, w), output_size=(H, W)) -> (B, out_channels, H, W)`.

    Raises:
        InputError: (a `ValueError`) from `forward` where `(H, W)` cannot be reached from `(h, w)`.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        if in_channels < 1 or out_channels < 1:
            raise InputError(
                "an upsampler needs channels",
                expected="in_channels >= 1 and out_channels >= 1",
                got=f"in_channels={in_channels}, out_channels={out_channels}",
            )
        self.in_channels = in_channels
        self.out_channels = out_channels

    @abstractmethod
    def forward(self, x: Tensor, output_size: tuple[int, int]) -> Tensor: ...

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw new weights. Each operation keeps the variance of its input: std = 1 / sqrt(taps per output value)."""


UpsamplerFactory = Callable[[int, int], Upsampler]
"""`(in_channels, out_channels) -> Upsampler`: what a U-Net is given."""


def init_keeping_variance(weight: Tensor, bias: Tensor | None, taps: float) -> None:
    """Uniform weights of variance `1 / taps`, zero bias.

    `taps` is the number of products summed into one output value. PyTorch's own default counts `out_channels * k * k`
    for a transposed convolution and so starts each upsampling from another scale; a fair comparison must not.
    """
    bound = (3 / taps) ** 0.5
    nn.init.uniform_(weight, -bound, bound)
    if bias is not None:
        nn.init.zeros_(bias)


def check_groups(in_channels: int, out_channels: int, groups: int) -> None:
    """Raise `InputError` where a convolution cannot divide its channels into `groups`."""
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise InputError(
            "the channels do not divide into groups",
            expected=f"groups >= 1 that divide in_channels={in_channels} and out_channels={out_channels}",
            got=f"groups={groups}",
        )


def check_odd_kernel(kernel_size: int, smallest: int = 1) -> None:
    """Raise `InputError` where padding by `kernel_size // 2` would not keep the size."""
    if kernel_size < smallest or kernel_size % 2 == 0:
        raise InputError(
            "the convolution must keep the size",
            expected=f"an odd kernel_size >= {smallest}",
            got=f"kernel_size={kernel_size}",
        )


def check_doubles(x: Tensor, output_size: tuple[int, int]) -> None:
    """Raise `InputError` where `output_size` is not exactly twice the height and width of `x`."""
    for target, size in zip(output_size, x.shape[-2:], strict=True):
        if target != 2 * size:
            raise InputError(
                f"this upsampler turns length {size} into 2 * {size} = {2 * size}, not {target}",
                expected=f"one of {[2 * size]}",
                got=target,
                fix="ask for twice the size, or choose an upsampler that reaches others, such as bilinear_conv",
            )
