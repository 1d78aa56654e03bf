"""The knobs that options share: bias and groups."""

from typing import Any

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.upsampler import Upsampler
from tensors import noise
from upsampling.cases import UpsamplerCase, every_upsampler


def build(case: UpsamplerCase, in_channels: int, out_channels: int, **knobs: Any) -> Upsampler:
    config = OmegaConf.load(case.yaml)
    inner = config.get("upsampler", config)  # a blur hands its knobs to the upsampler within
    assert knobs.keys() <= inner.keys()
    inner.update(knobs)
    torch.manual_seed(0)
    return instantiate(config)(in_channels, out_channels)


@every_upsampler
def test_without_bias(case):
    with_bias, without = build(case, 4, 6), build(case, 4, 6, bias=False)
    x = noise(1, 4, 5, 4)
    without.load_state_dict(with_bias.state_dict(), strict=False)
    torch.testing.assert_close(without(x, (10, 8)), with_bias(x, (10, 8)))  # a new bias is zero
    names = {name for name, _ in with_bias.named_parameters()} - {name for name, _ in without.named_parameters()}
    assert {name.rsplit(".", 1)[-1] for name in names} == {"bias"}


@every_upsampler
def test_groups_are_independent(case):
    upsampler, x = build(case, 4, 6, groups=2), noise(1, 4, 5, 4)
    changed = x.clone()
    changed[:, 2:] += 1
    same = (upsampler(x, (10, 8)) == upsampler(changed, (10, 8))).all((0, 2, 3)).tolist()
    # groups of dysample share the input and differ in where they sample it
    assert same == ([False] * 6 if case.name == "dysample" else [True] * 3 + [False] * 3)


@every_upsampler
def test_groups_keep_the_scale(case):
    with torch.no_grad():
        out = build(case, 96, 96, groups=2)(noise(1, 96, 40, 40), (80, 80))[..., 4:-4, 4:-4]
    assert float(out.var()) == pytest.approx(case.gain, rel=0.1)


@every_upsampler
@pytest.mark.parametrize("groups", [0, -1, 4])
def test_groups_must_divide_the_channels(case, groups):
    with pytest.raises(InputError, match=f"groups={groups}") as caught:
        build(case, 4, 6, groups=groups)
    assert "out_channels=6" in str(caught.value)
