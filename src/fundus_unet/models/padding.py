"""Padding to a size that every level of a U-Net can halve, and cropping back."""

import torch.nn.functional as F
from torch import Tensor


def pad_to_multiple(image: Tensor, multiple: int) -> Tensor:
    """Replicate the right and lower border until both sides are multiples of `multiple`.

    Replication, unlike reflection, works from one pixel up.

    Shapes:
        (B, C, H, W) -> (B, C, ceil(H / m) * m, ceil(W / m) * m).
    """
    height, width = image.shape[-2:]
    below, right = -height % multiple, -width % multiple
    return F.pad(image, (0, right, 0, below), mode="replicate") if below or right else image


def crop_to(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Undo `pad_to_multiple`: keep the upper left `size` = (H, W)."""
    return image[..., : size[0], : size[1]]
