"""Test-time augmentation: predict mirrored and turned copies of an image, and average what they agree on."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.inference.running_spread import RunningSpread
from fundus_unet.models.padding import crop_to, pad_to_multiple

# (quarter turns, mirrored or not)
SYMMETRIES: dict[str, tuple[tuple[int, bool], ...]] = {
    "none": ((0, False),),
    "flips": ((0, False), (0, True), (2, False), (2, True)),
    "d4": tuple((turns, mirrored) for mirrored in (False, True) for turns in range(4)),
}


def check_symmetries(name: str) -> str:
    """Raise `InputError` for a name that is none of `SYMMETRIES`."""
    if name not in SYMMETRIES:
        raise InputError(
            f"unknown test-time augmentation {name!r}",
            expected=tuple(SYMMETRIES),
            fix=did_you_mean(str(name), SYMMETRIES),
        )
    return name


def average_over(symmetries: str, network: Callable[[Tensor], Tensor], image: Tensor, size_multiple: int = 1) -> Tensor:
    """Mean logits over the symmetries, each turned back: (B, 3, H, W) -> float32 (B, 1, H, W).

    Args:
        size_multiple: What the network pads sides to; done here first, so that the pooling grid stays in its place when
            the image is mirrored.
    """
    total = None
    for logits in _turned_back(symmetries, network, image, size_multiple):
        total = logits if total is None else total + logits
    assert total is not None
    return crop_to(total / len(SYMMETRIES[symmetries]), (image.shape[-2], image.shape[-1]))


def average_and_spread(
    symmetries: str, network: Callable[[Tensor], Tensor], image: Tensor, size_multiple: int = 1
) -> Tensor:
    """As `average_over`, and how far the copies differ: (B, 3, H, W) -> float32 (B, 2, H, W).

    Units:
        the first channel is logits; the second the standard deviation of the copies' probabilities, 0 to 0.5.
    """
    total, spread = None, RunningSpread()
    for logits in _turned_back(symmetries, network, image, size_multiple):
        total = logits if total is None else total + logits
        spread.add(logits.sigmoid())
    assert total is not None
    both = torch.cat([total / len(SYMMETRIES[symmetries]), spread.deviation()], dim=1)
    return crop_to(both, (image.shape[-2], image.shape[-1]))


def _turned_back(
    symmetries: str, network: Callable[[Tensor], Tensor], image: Tensor, size_multiple: int
) -> Iterator[Tensor]:
    image = pad_to_multiple(image, size_multiple)
    for turns, mirrored in SYMMETRIES[symmetries]:
        changed = torch.rot90(image.flip(-1) if mirrored else image, turns, (-2, -1))
        logits = torch.rot90(network(changed).float(), -turns, (-2, -1))
        yield logits.flip(-1) if mirrored else logits
