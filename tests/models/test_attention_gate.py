"""Attention gates by value."""

import pytest
import torch
from torch import Tensor, nn

from fundus_unet.models.attention_gate import AttentionGate
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.skip import PlainSkip, SkipConnection
from fundus_unet.models.unet import UNet
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from tensors import noise


def unet(**arguments: object) -> UNet:
    torch.manual_seed(0)
    return UNet(3, 1, [4, 6, 8], InterpolateConvUpsampler, MaxPoolDownsampler, **arguments).eval()


@torch.no_grad()
def test_one_pixel_by_hand() -> None:
    gate = AttentionGate(2, 1)
    gate.of_skip.weight.copy_(torch.tensor([3.0, -1.0]).view(1, 2, 1, 1))
    gate.of_gate.weight.fill_(2.0)
    gate.of_gate.bias.fill_(0.5)
    gate.psi.weight.fill_(-1.0)
    gate.psi.bias.fill_(0.25)
    skip, upsampled = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1), torch.tensor([0.75]).view(1, 1, 1, 1)
    # relu(3 * 1 - 1 * 2 + 2 * 0.75 + 0.5) = 3; sigmoid(-3 + 0.25) = 0.06009
    assert gate(skip, upsampled).flatten().tolist() == pytest.approx([0.060087, 0.120174], abs=1e-6)
    # relu(3 * 1 - 1 * 2 - 2 * 0.75 + 0.5) = 0; sigmoid(0.25) = 0.56218
    assert gate(skip, -upsampled).flatten().tolist() == pytest.approx([0.562177, 1.124353], abs=1e-6)


@torch.no_grad()
def test_every_pixel_has_its_own_weight() -> None:
    gate, skip, upsampled = AttentionGate(4, 3), noise(2, 4, 5, 7), noise(2, 3, 5, 7, seed=1)
    weights = gate.weights(skip, upsampled)
    assert weights.shape == (2, 1, 5, 7)
    assert 0 < weights.min() < weights.max() < 1
    torch.testing.assert_close(gate(skip, upsampled), skip * weights)
    changed = upsampled.clone()
    changed[0, :, 2, 3] += 5
    assert ((gate.weights(skip, changed) != weights).nonzero().tolist()) == [[0, 0, 2, 3]]


@torch.no_grad()
def test_open_gates_leave_the_network_without_gates() -> None:
    plain, gated = unet(), unet(skip=AttentionGate)
    assert [type(skip) for skip in plain.skips] == [PlainSkip, PlainSkip]
    missing = gated.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert {name.split(".")[0] for name in missing} == {"skips"}
    for gate in gated.skips:
        nn.init.zeros_(gate.psi.weight)
        nn.init.constant_(gate.psi.bias, 50.0)
    image = noise(1, 3, 21, 30)
    assert torch.equal(gated(image), plain(image))
    nn.init.constant_(gated.skips[0].psi.bias, -50.0)
    assert not torch.allclose(gated(image), plain(image), atol=1e-3)


def test_a_skip_connection_gets_both_maps_of_its_level() -> None:
    seen = []

    class Seeing(SkipConnection):
        def __init__(self, skip_channels: int, gate_channels: int) -> None:
            super().__init__()
            self.channels = skip_channels, gate_channels

        def forward(self, skip: Tensor, upsampled: Tensor) -> Tensor:
            seen.append((self.channels, tuple(skip.shape), tuple(upsampled.shape)))
            return skip

    unet(skip=Seeing, upsampled_width=0.5)(noise(1, 3, 8, 12))
    assert seen == [((6, 3), (1, 6, 4, 6), (1, 3, 4, 6)), ((4, 2), (1, 4, 8, 12), (1, 2, 8, 12))]


def test_a_plain_skip_has_no_weights_and_draws_no_random_numbers() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    assert not PlainSkip(3, 4).state_dict()
    assert torch.equal(torch.rand(1), expected)
