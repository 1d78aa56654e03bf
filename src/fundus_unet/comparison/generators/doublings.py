"""A stack of doublings that are injected, as generators have."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.blocks import ActivationFactory, NormalizationFactory
from fundus_unet.upsampling.upsampler import UpsamplerFactory


class Doublings(nn.Module):
    """Normalisation, activation and upsampler, `len(widths) - 1` times; what comes out is the last upsampler's.

    Upsamplers are created last: at one seed, every other weight is the same whichever upsampler is chosen.

    Args:
        widths: The channels at every resolution, the lowest first.

    Shapes:
        (B, widths[0], h, w) -> (B, widths[-1], h * 2 ** (len(widths) - 1), w * 2 ** (len(widths) - 1)).
    """

    def __init__(
        self,
        widths: Sequence[int],
        upsampler: UpsamplerFactory,
        normalization: NormalizationFactory,
        activation: ActivationFactory,
    ) -> None:
        super().__init__()
        self.between = nn.ModuleList(nn.Sequential(normalization(width), activation()) for width in widths[:-1])
        self.upsamplers = nn.ModuleList(upsampler(a, b) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        for between, upsampler in zip(self.between, self.upsamplers, strict=True):
            height, width = x.shape[-2:]
            x = upsampler(between(x), (2 * height, 2 * width))
        return x


def check_widths(widths: Sequence[int]) -> tuple[int, ...]:
    """Raise `InputError` where there is none, or one that is not a positive integer."""
    widths = tuple(widths)
    if not widths or any(not isinstance(width, int) or width < 1 for width in widths):
        raise InputError(
            "the list of widths does not make this network",
            expected="positive integers, one per doubling",
            got=list(widths),
            fix="set generator.widths",
        )
    return widths
