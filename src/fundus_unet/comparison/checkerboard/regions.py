"""Where on a map something is measured: masks eroded, and brought to the resolution of a stage."""

import math

import torch.nn.functional as F
from torch import Tensor

from fundus_unet.core.errors import InputError

FROM_THE_RIM, FROM_A_VESSEL = 8, 3
"""Pixels that a background keeps away, because a network answers to edges there too."""


def all_inside(region: Tensor, size: int) -> Tensor:
    """For each upper left corner, whether the square of `size` pixels from there is inside.

    Shapes:
        bool (H, W) -> bool (H - size + 1, W - size + 1).
    """
    outside = (~region).float()[None, None]
    for kernel in ((size, 1), (1, size)):
        outside = F.max_pool2d(outside, kernel, stride=1)
    return outside[0, 0] == 0


def eroded(region: Tensor, rim: int) -> Tensor:
    """Pixels whose surroundings up to `rim` pixels away are all inside; beyond the image is outside."""
    return all_inside(F.pad(region, (rim, rim, rim, rim)), 2 * rim + 1)


def region_at(region: Tensor | None, size: tuple[int, int]) -> Tensor | None:
    """The region on a map of lower resolution: pixels all of whose pixels are inside.

    The map may reach a little further than the image, because a network may have padded it; that is outside.

    Shapes:
        bool (H, W) -> bool (h, w).

    Raises:
        InputError: Where the map's pixels are not blocks of the image's.
    """
    if region is None:
        return None
    # doublings have powers of two, also where padding added much to a small image
    factors = [
        2 ** math.ceil(math.log2(max(1.0, side / small))) for side, small in zip(region.shape, size, strict=True)
    ]
    if factors[0] != factors[1]:
        raise InputError("the map's pixels are no square blocks of the region's", got=f"{tuple(region.shape)}, {size}")
    factor = factors[0]
    below, right = (factor * small - side for side, small in zip(region.shape, size, strict=True))
    return all_inside(F.pad(region, (0, right, 0, below)), factor)[::factor, ::factor]


def background_of(field_of_view: Tensor, vessels: Tensor) -> Tensor:
    """The field of view away from its rim and from vessels.

    Shapes:
        bool (H, W) each.
    """
    return eroded(field_of_view, FROM_THE_RIM) & eroded(~vessels, FROM_A_VESSEL)
