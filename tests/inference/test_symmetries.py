"""Test-time augmentation: what it averages, and that every copy is turned back."""

import pytest
import torch

from fundus_unet.core.errors import InputError
from fundus_unet.inference.symmetries import SYMMETRIES, average_over, check_symmetries


@pytest.mark.parametrize(("name", "copies"), [("none", 1), ("flips", 4), ("d4", 8)])
def test_copies_are_different_and_turned_back(name, copies):
    image = torch.arange(2 * 3 * 4 * 5.0).view(2, 3, 4, 5)
    seen = []

    def network(x):
        seen.append(x)
        return x[:, :1]

    torch.testing.assert_close(average_over(name, network, image), image[:, :1])
    assert len(seen) == copies == len({tuple(x.flatten().tolist()) for x in seen})
    if name == "flips":
        assert all(x.shape == image.shape for x in seen)


def test_the_mean_is_taken():
    """A network that prefers its left half has no such preference after averaging mirror images."""
    image = torch.zeros(1, 3, 6, 6)

    def left(x):
        logits = torch.zeros(len(x), 1, *x.shape[-2:])
        logits[..., : x.shape[-1] // 2] = 1
        return logits

    assert average_over("none", left, image).std() > 0.4
    torch.testing.assert_close(average_over("flips", left, image), torch.full((1, 1, 6, 6), 0.5))


def test_equivariant_networks_are_left_as_they_are():
    torch.manual_seed(0)
    image = torch.randn(1, 3, 8, 8)
    blur = torch.nn.AvgPool2d(3, 1, 1)
    for name in SYMMETRIES:
        torch.testing.assert_close(average_over(name, lambda x: blur(x)[:, :1], image), blur(image)[:, :1])


def test_a_misspelt_name():
    with pytest.raises(InputError, match="did you mean 'flips'"):
        check_symmetries("flip")
