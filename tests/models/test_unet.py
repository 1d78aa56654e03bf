"""Every pair of halving and doubling, at every size, with outputs that are known."""

import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.downsampling import MaxPoolDownsampler, StridedConvDownsampler
from fundus_unet.models.skip import PlainSkip
from fundus_unet.models.unet import UNet
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from tensors import noise

CONFIGS = Path(__file__).parents[2] / "configs"
DOWNSAMPLERS, UPSAMPLERS = (
    sorted(path.stem for path in (CONFIGS / group).glob("*.yaml")) for group in ("downsampler", "upsampler")
)
PAIRS = list(itertools.product(DOWNSAMPLERS, UPSAMPLERS))
every_pair = pytest.mark.parametrize(("downsampler", "upsampler"), PAIRS)


def option(group: str, name: str):
    return instantiate(OmegaConf.load(CONFIGS / group / f"{name}.yaml"))


@cache
def network(downsampler: str, upsampler: str, widths: tuple[int, ...], seed: int = 0, in_channels: int = 3) -> UNet:
    torch.manual_seed(seed)
    parts = {"upsampler": option("upsampler", upsampler), "downsampler": option("downsampler", downsampler)}
    return UNet(in_channels, 1, widths, **parts).eval().requires_grad_(False)


def without_normalization(channels: int) -> nn.Module:
    return nn.Identity()


def follow_one_path(unet: UNet, *, skip: bool) -> UNet:
    """Convolutions become identities; decoder blocks see the outermost skip connection only, or none."""
    with torch.no_grad():
        for module in unet.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.dirac_(module.weight)
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for block in unet.decoder:
            weight = block.layers[0].weight
            nn.init.zeros_(weight)
            weight[0, 0 if skip else 1, 1, 1] = 1
    return unet.eval().requires_grad_(False)


@every_pair
@settings(deadline=None, max_examples=25, derandomize=True)
@given(height=st.integers(1, 40), width=st.integers(1, 40), batch=st.integers(1, 2))
@example(height=1, width=1, batch=1)
@example(height=37, width=31, batch=1)
@example(height=32, width=2, batch=2)
def test_any_size_comes_back(downsampler, upsampler, height, width, batch):
    logits = network(downsampler, upsampler, (2, 3, 4))(noise(batch, 3, height, width))
    assert logits.shape == (batch, 1, height, width)
    assert logits.isfinite().all()


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    pair=st.sampled_from(PAIRS),
    in_channels=st.integers(1, 5),
    out_channels=st.integers(1, 4),
    widths=st.lists(st.integers(1, 4), min_size=2, max_size=5),
    size=st.tuples(st.integers(1, 19), st.integers(1, 19)),
)
def test_any_channels_and_depth(pair, in_channels, out_channels, widths, size):
    downsampler, upsampler = option("downsampler", pair[0]), option("upsampler", pair[1])
    unet = UNet(in_channels, out_channels, widths, upsampler, downsampler).eval()
    logits = unet(noise(1, in_channels, *size))
    assert logits.shape == (1, out_channels, *size)
    assert logits.isfinite().all()
    assert unet.depth == len(unet.upsamplers) == len(widths) - 1


@pytest.mark.parametrize("downsampler", DOWNSAMPLERS)
def test_the_choice_of_upsampler_changes_no_other_weight(downsampler):
    widths = (4, 6, 8)

    def others(upsampler: str, seed: int = 0) -> dict[str, Tensor]:
        state = network(downsampler, upsampler, widths, seed).state_dict()
        return {name: value for name, value in state.items() if not name.startswith("upsamplers.")}

    reference = others(UPSAMPLERS[0])
    assert {name.split(".")[0] for name in reference} >= {"stem", "encoder", "decoder", "head"}
    for upsampler in UPSAMPLERS[1:]:
        state = others(upsampler)
        assert state.keys() == reference.keys()
        assert all(torch.equal(value, reference[name]) for name, value in state.items())
    other_seed = others(UPSAMPLERS[0], seed=1)
    assert not torch.equal(other_seed["encoder.0.layers.0.weight"], reference["encoder.0.layers.0.weight"])


@every_pair
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (8, 8), (13, 6)])
def test_skip_connections_lead_to_the_same_pixel(downsampler, upsampler, size):
    parts = option("upsampler", upsampler), option("downsampler", downsampler)
    unet = follow_one_path(UNet(1, 1, [1, 1, 1], *parts, normalization=without_normalization), skip=True)
    image = noise(1, 1, *size)
    assert torch.equal(unet(image), image.relu())


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (8, 8), (13, 6)])
@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize(
    ("downsampler", "of_block"),
    [(MaxPoolDownsampler, np.max), (StridedConvDownsampler, lambda block: block[0, 0])],
    ids=["max_pool", "strided_conv"],
)
def test_the_deep_path_leads_to_the_same_block(size, depth, downsampler, of_block):
    def nearest(c_in: int, c_out: int) -> InterpolateConvUpsampler:
        return InterpolateConvUpsampler(c_in, c_out, mode="nearest", kernel_size=1)

    unet = UNet(1, 1, [1] * (depth + 1), nearest, downsampler, normalization=without_normalization)
    image = noise(1, 1, *size).abs()
    got = follow_one_path(unet, skip=False)(image)[0, 0].numpy()
    side = 2**depth
    # The replicated border only repeats pixels of the block it completes.
    for top, left in itertools.product(range(0, size[0], side), range(0, size[1], side)):
        block = np.s_[top : top + side, left : left + side]
        assert (got[block] == of_block(image[0, 0].numpy()[block])).all()


@every_pair
def test_a_shift_by_whole_blocks_shifts_the_logits(downsampler, upsampler):
    unet, canvas, rim = network(downsampler, upsampler, (3, 4)), noise(1, 3, 42, 44), 14
    unshifted, shifted = unet(canvas[..., :40, :40]), unet(canvas[..., 2:, 4:])
    torch.testing.assert_close(
        unshifted[..., rim + 2 : -rim + 2, rim + 4 : -rim + 4], shifted[..., rim:-rim, rim:-rim], rtol=1e-4, atol=1e-5
    )


@every_pair
def test_padding_is_felt_near_the_border_only(downsampler, upsampler):
    unet, canvas, rim = network(downsampler, upsampler, (3, 4)), noise(1, 3, 40, 40), 14
    whole, cut = unet(canvas), unet(canvas[..., :39, :37])
    torch.testing.assert_close(cut[..., :-rim, :-rim], whole[..., : 39 - rim, : 37 - rim], rtol=1e-4, atol=1e-5)


@every_pair
def test_every_weight_learns(downsampler, upsampler):
    torch.manual_seed(0)
    unet = UNet(3, 1, [4, 6, 8], option("upsampler", upsampler), option("downsampler", downsampler))
    unet(noise(2, 3, 13, 11)).square().sum().backward()
    assert [name for name, parameter in unet.named_parameters() if not parameter.grad.abs().sum() > 0] == []


@pytest.mark.parametrize("widths", [[16], [], [0, 16], [16, -1], [1.5, 16], ["16", 32], [16, None]], ids=str)
def test_widths_are_checked(widths):
    with pytest.raises(InputError, match=r"widths") as caught:
        UNet(3, 1, widths, InterpolateConvUpsampler, MaxPoolDownsampler)
    assert str(widths) in str(caught.value)
    assert "model.widths" in str(caught.value)


@pytest.mark.parametrize(("in_channels", "out_channels"), [(0, 1), (3, 0), (-1, 1)])
def test_channels_are_checked(in_channels, out_channels):
    with pytest.raises(InputError, match=f"in_channels={in_channels}, out_channels={out_channels}"):
        UNet(in_channels, out_channels, [2, 3], InterpolateConvUpsampler, MaxPoolDownsampler)


@pytest.mark.parametrize(
    ("widths", "factor"),
    [([4] * 13, 1.0), ([4] * 2000, 1.0), ([4, 4097], 1.0), ([4, 8], 1e9), ([4, 8], float("inf"))],
    ids=lambda value: f"{len(value)} widths" if isinstance(value, list) else str(value),
)
def test_larger_than_any_network_is_refused_before_memory_is_asked_for(widths, factor):
    parts = option("upsampler", UPSAMPLERS[0]), option("downsampler", "max_pool")
    with pytest.raises(InputError, match=r"model.upsampled_width|widths"):
        UNet(3, 1, widths, *parts, upsampled_width=factor)


def test_a_skip_that_sees_all_has_no_context() -> None:
    class Pooled(PlainSkip):
        sees_all = True

    def context(skip: type[PlainSkip]) -> int | None:
        return UNet(3, 1, [4, 6], InterpolateConvUpsampler, MaxPoolDownsampler, skip=skip).context

    assert context(PlainSkip) == 16
    assert context(Pooled) is None
