import pytest
import torch
from torch import nn

from fundus_unet.models.blocks import ConvBlock, StridedConvBlock
from tensors import noise


def test_two_convolutions_by_hand():
    block = ConvBlock(1, 1, normalization=lambda channels: nn.Identity(), activation=nn.ReLU)
    for module in block.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
    spread_twice = torch.tensor([1.0, 2, 3, 2, 1])
    point = torch.zeros(1, 1, 7, 7)
    point[0, 0, 3, 3] = 1
    assert torch.equal(block(point)[0, 0, 1:6, 1:6], torch.outer(spread_twice, spread_twice))
    assert block(-point).abs().max() == 0


def test_activation_follows_normalisation():
    torch.manual_seed(0)
    block = ConvBlock(3, 5, nn.BatchNorm2d, nn.ReLU).train()
    out = block(100 * noise(4, 3, 16, 16))
    assert out.min() == 0
    # Half of a normalised, roughly normal distribution is cut: the mean of what is left is 1 / sqrt(2 pi) = 0.4.
    assert out.mean((0, 2, 3)).tolist() == pytest.approx([0.4] * 5, abs=0.1)


def test_initial_weights_keep_the_scale_through_relu():
    torch.manual_seed(0)
    block = ConvBlock(32, 32, lambda channels: nn.Identity(), nn.ReLU)
    x = noise(2, 32, 24, 24).relu()
    with torch.no_grad():
        out = block(x)[..., 3:-3, 3:-3]
    assert float(out.square().mean() / x.square().mean()) == pytest.approx(1, rel=0.2)


@pytest.mark.parametrize(("size", "halved"), [((6, 6), (3, 3)), ((7, 1), (4, 1))])
def test_a_strided_block_sees_every_second_pixel_and_its_neighbours(size, halved):
    block = StridedConvBlock(1, 1, normalization=lambda channels: nn.Identity(), activation=nn.ReLU)
    nn.init.ones_(next(block.parameters()))
    x = noise(1, 1, *size)
    around = nn.functional.avg_pool2d(x, 3, stride=1, padding=1) * 9
    assert block(x).shape[-2:] == halved
    torch.testing.assert_close(block(x), around[..., ::2, ::2].relu())
