"""What every option of configs/model promises, with every upsampler: any size, the same weights, all of which learn."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.models.network import SegmentationNetwork
from fundus_unet.models.padding import crop_to, pad_to_multiple
from fundus_unet.runs.allowed_parts import check_part
from fundus_unet.runs.build import build_network
from fundus_unet.runs.run_directory import plain
from fundus_unet.upsampling.upsampler import Upsampler
from tensors import noise
from upsampling.cases import CASES

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = {
    "unet": ["model.widths=[4,6,8]"],
    "attention_unet": ["model.widths=[4,6,8]"],
    "resnet_unet": ["model.encoder=resnet18", "model.stem_width=4"],
}
"""A row per option: what makes it small."""
UPSAMPLERS = sorted(path.stem for path in (CONFIGS / "upsampler").glob("*.yaml"))
every_option = pytest.mark.parametrize("option", SMALL)
every_pair = pytest.mark.parametrize(("option", "upsampler"), [(one, two) for one in SMALL for two in UPSAMPLERS])


def config_of(option: str, upsampler: str) -> Any:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return compose("train", [f"model={option}", f"upsampler={upsampler}", *SMALL[option]]).model


@lru_cache(maxsize=4)
def network(option: str, upsampler: str = "transposed_k4s2p1", seed: int = 0) -> SegmentationNetwork:
    torch.manual_seed(seed)
    built = build_network(config_of(option, upsampler), trusted=True)
    return built.eval().requires_grad_(False)


def test_every_option_has_one_row() -> None:
    options = {path.stem for path in (CONFIGS / "model").glob("*.yaml")}
    assert options == {*SMALL, "external", "unet_wide"}  # which name no network, and one of a row with more channels
    assert len(UPSAMPLERS) == len(CASES)


@every_pair
def test_any_size_comes_back(option: str, upsampler: str) -> None:
    for size in ((1, 1), (37, 2), (31, 33)):
        logits = network(option, upsampler)(noise(2, 3, *size))
        assert logits.shape == (2, 1, *size)
        assert logits.isfinite().all()


@every_option
@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (1, 4, 8, 8), (3, 8, 8)], ids=str)
def test_other_images_are_refused(option: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"\(batch, 3, height, width\)"):
        network(option)(noise(*shape))


@every_option
def test_the_network_pads_to_what_it_says(option: str) -> None:
    image = noise(1, 3, 45, 70)
    padded = network(option)(pad_to_multiple(image, network(option).size_multiple))
    assert torch.equal(network(option)(image), crop_to(padded, (45, 70)))


@pytest.mark.parametrize("option", [one for one in SMALL if network(one).context is not None])
@pytest.mark.parametrize("upsampler", UPSAMPLERS)
def test_nothing_farther_away_than_the_context_is_seen(option: str, upsampler: str) -> None:
    built = network(option, upsampler)
    image, changed = noise(1, 3, 24, 160), noise(1, 3, 24, 160)
    edge = 80
    changed[..., edge:] = -5
    difference = (built.double()(image.double()) - built(changed.double())).abs().amax((0, 1, 2))
    built.float()
    assert difference[edge] > 1e-3
    assert difference[: edge - built.context].max() == 0


@every_option
def test_the_choice_of_upsampler_changes_no_other_weight(option: str) -> None:
    def others(upsampler: str, seed: int = 0) -> dict[str, Tensor]:
        state = network(option, upsampler, seed).state_dict()
        return {name: value for name, value in state.items() if not name.startswith("upsamplers.")}

    reference = others(UPSAMPLERS[0])
    assert {name.split(".")[0] for name in reference} >= {"stem", "encoder", "decoder", "head"}
    for upsampler in UPSAMPLERS[1:]:
        state = others(upsampler)
        assert state.keys() == reference.keys()
        assert all(torch.equal(value, reference[name]) for name, value in state.items())
    assert not torch.equal(others(UPSAMPLERS[0], seed=1)["head.weight"], reference["head.weight"])


@every_option
def test_there_is_one_upsampler_for_every_halving(option: str) -> None:
    built = network(option)
    upsamplers = [module for module in built.modules() if isinstance(module, Upsampler)]
    assert 2 ** len(upsamplers) == built.size_multiple


@every_pair
def test_every_weight_learns(option: str, upsampler: str) -> None:
    torch.manual_seed(0)
    built = build_network(config_of(option, upsampler), trusted=True)
    built(noise(2, 3, 45, 33)).square().sum().backward()
    assert [name for name, parameter in built.named_parameters() if not parameter.grad.abs().sum() > 0] == []


@every_option
def test_a_stranger_may_name_it(option: str) -> None:
    check_part(plain(config_of(option, "bilinear_conv")), "model", "model")


@every_option
def test_it_is_described(option: str) -> None:
    words = {
        "unet": "U-Net [4, 6, 8]",
        "attention_unet": "U-Net [4, 6, 8] with AttentionGate",
        "resnet_unet": "U-Net on resnet18",
    }
    assert network(option).describe() == words.get(option, network(option).describe()) != ""


def test_the_width_of_upsampled_features_is_free() -> None:
    config = config_of("resnet_unet", "bilinear_conv")
    config.upsampled_width = 0.5
    built = build_network(config, trusted=True).eval()
    assert [one.out_channels for one in built.modules() if isinstance(one, Upsampler)] == [128, 64, 32, 32, 2]
    assert built(noise(1, 3, 20, 20)).shape == (1, 1, 20, 20)
