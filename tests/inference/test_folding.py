"""A folded network gives the logits of the network it was made from, which stays as it is."""

import copy

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from fundus_unet.inference.folding import folded
from fundus_unet.inference.integer_relu import IntegerReLU
from fundus_unet.inference.predictor import Predictor
from fundus_unet.models.network import as_network
from fundus_unet.runs.build import build_network
from running import ROOT
from tensors import noise

NORMALISATIONS = {"unet": 10, "attention_unet": 10, "resnet_unet": 32}
"""Batch normalisations of the networks below."""
SMALL = {
    "unet": ["model.widths=[4,6,8]"],
    "attention_unet": ["model.widths=[4,6,8]"],
    "resnet_unet": ["model.encoder=resnet18", "model.stem_width=4"],
}


def trained(network: nn.Module) -> nn.Module:
    """With statistics, scales and shifts other than those of a new network."""
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            for tensor, low, high in (
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.3, 0.3),
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
            ):
                tensor.uniform_(low, high, generator=generator)
    return network.eval()


def network_of(option: str) -> nn.Module:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose("train", [f"model={option}", *SMALL[option]]).model
    return trained(build_network(config, trusted=True))


def count(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in network.modules())


class Elsewhere(nn.Module):
    """A network of another package: a sequence to fold, and a convolution whose output is used twice."""

    size_multiple = 1

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.conv, self.norm, self.relu = nn.Conv2d(4, 1, 1), nn.BatchNorm2d(1), nn.ReLU()

    def forward(self, image):
        x = self.conv(self.layers(image))
        return x + self.relu(self.norm(x))


@pytest.mark.parametrize("option", SMALL)
@torch.inference_mode()
def test_every_network_keeps_its_logits_and_loses_its_normalisations(option: str) -> None:
    network, image = network_of(option), noise(2, 3, 64, 96)
    quick = folded(network)
    assert (count(network, nn.BatchNorm2d), count(quick, nn.BatchNorm2d)) == (NORMALISATIONS[option], 0)
    torch.testing.assert_close(quick(image), network(image), rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_network_of_another_package_is_folded_where_that_is_safe() -> None:
    network, image = as_network(trained(Elsewhere())).eval(), noise(1, 3, 9, 7)
    quick = folded(network)
    assert count(quick, nn.BatchNorm2d) == 1
    torch.testing.assert_close(quick(image), network(image), rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_what_is_no_plain_pair_is_left_as_it_is() -> None:
    image = noise(1, 3, 8, 8)
    conv = weight_norm(nn.Conv2d(3, 4, 3))
    of_the_batch = nn.BatchNorm2d(4, track_running_stats=False)
    for layers in (
        nn.Sequential(conv, nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), of_the_batch),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)),
        nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3)),
    ):
        trained(layers)
        assert count(folded(layers), nn.BatchNorm2d) == 1
        torch.testing.assert_close(folded(layers)(image), layers(image))


def test_the_network_itself_stays_as_it_is() -> None:
    network = network_of("unet").train()
    before = copy.deepcopy(network.state_dict())
    Predictor(network, torch.device("cpu"), None)
    assert network.training
    assert count(network, nn.BatchNorm2d) == NORMALISATIONS["unet"]
    assert count(network, IntegerReLU) == 0
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])
        assert value.stride() == before[key].stride()


@torch.inference_mode()
def test_bfloat16_differs_by_its_rounding() -> None:
    network, image = network_of("unet"), noise(1, 3, 64, 64)
    exact = network(image)
    with torch.autocast("cpu", torch.bfloat16):
        plain, quick = network(image), folded(network)(image)
    error = (plain.float() - exact).abs().mean()
    assert 0 < (quick.float() - exact).abs().mean() < 1.5 * error


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_the_activation_is_relu_for_every_value(dtype: torch.dtype) -> None:
    if dtype == torch.float32:
        values = noise(4, 5, 6, 7)
    else:  # every number that there is
        values = torch.arange(-(2**15), 2**15).to(torch.int16).view(dtype)
        values = values[~values.isnan()].reshape(1, 2, 1, -1)
    values = values.contiguous(memory_format=torch.channels_last)
    found = IntegerReLU()(values.clone())
    assert found.dtype == dtype
    assert torch.equal(found, torch.relu(values))
    assert found.stride() == values.stride()
