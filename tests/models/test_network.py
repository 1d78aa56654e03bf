"""Modules from elsewhere: what they say about themselves, what is assumed, and what is refused."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.network import PaddedNetwork, as_network


class Outside(nn.Module):
    """Halves `halvings` times, and refuses sides that it cannot halve; knows nothing of this project."""

    def __init__(self, halvings: int = 5, channels: int = 3, classes: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, classes, 3, padding=1)
        self.norm = nn.BatchNorm2d(classes)
        self.dropout = nn.Dropout(0.5)
        self.factor = 2**halvings

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[-1] % self.factor or image.shape[-2] % self.factor:
            raise ValueError(f"sides must be multiples of {self.factor}")
        x = nn.functional.avg_pool2d(self.dropout(self.norm(self.conv(image))), self.factor)
        return nn.functional.interpolate(x, scale_factor=self.factor)


def stating(module: nn.Module, **attributes: Any) -> nn.Module:
    for name, value in attributes.items():
        setattr(module, name, value)
    return module


def test_one_that_says_nothing_gets_multiples_of_32_and_an_unknown_context() -> None:
    network = as_network(Outside())
    assert isinstance(network, PaddedNetwork)
    assert (network.in_channels, network.size_multiple, network.context) == (3, 32, None)
    assert network.describe() == "Outside"


def test_one_that_says_what_it_needs_gets_it() -> None:
    network = as_network(stating(Outside(halvings=1), size_multiple=14, context=99))
    assert (network.size_multiple, network.context) == (14, 99)
    assert as_network(network) is network


@pytest.mark.parametrize("size", [(1, 1), (33, 64), (40, 95)])
@torch.no_grad()
def test_it_is_padded_by_replication_and_cropped(size: tuple[int, int]) -> None:
    module = Outside().eval()
    image = torch.randn(2, 3, *size)
    below, right = (-side % 32 for side in size)
    expected = module(nn.functional.pad(image, (0, right, 0, below), mode="replicate"))[..., : size[0], : size[1]]
    assert torch.equal(as_network(module)(image), expected)


@pytest.mark.parametrize("training", [True, False])
def test_the_trial_leaves_no_trace(training: bool) -> None:
    module = Outside().train(training)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    network = as_network(module)
    assert torch.equal(torch.rand(1), expected)
    assert module.training == network.network.training == training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert all(parameter.grad is None for parameter in module.parameters())


class Wrapped(nn.Module):
    def forward(self, image: Tensor) -> Any:
        return {"out": image[:, :1]}


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (Outside(halvings=6), r"multiples of 64[^$]*multiples of 32[^$]*size_multiple"),
        (Outside(classes=2), r"\(1, 1, 64, 96\)[^$]*\(1, 2, 64, 96\)"),
        (Outside(channels=1), "expected input"),
        (nn.AvgPool2d(2), "logit per pixel"),
        (Wrapped(), "got: dict"),
        (stating(Outside(channels=1), in_channels=1), "another task"),
        (stating(Outside(), size_multiple=0), "size_multiple"),
        (stating(Outside(), size_multiple="32"), "size_multiple"),
        (stating(Outside(), context=-1), "context"),
        (stating(Outside(), context=1.5), "context"),
        (lambda image: image, "torch.nn.Module"),
    ],
)
def test_what_cannot_be_used_is_refused(module: Any, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        as_network(module)


def test_other_channels_are_refused_in_use() -> None:
    with pytest.raises(InputError, match=r"\(batch, 3, height, width\)"):
        as_network(Outside())(torch.zeros(1, 4, 32, 32))
