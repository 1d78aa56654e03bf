"""The one check of what a network is given."""

from torch import Tensor

from fundus_unet.core.errors import InputError


def check_image(image: Tensor, channels: int) -> None:
    """Raise `InputError` unless the image is (B, `channels`, H, W)."""
    if image.ndim != 4 or image.shape[1] != channels:
        raise InputError(
            "the network cannot take this image",
            expected=f"a tensor of shape (batch, {channels}, height, width)",
            got=tuple(image.shape),
        )
