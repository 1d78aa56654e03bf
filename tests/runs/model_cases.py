"""Small networks, with the facts that a finished run would give them."""

from functools import cache
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from torch import nn

from fundus_unet.runs.build import build
from fundus_unet.runs.model_facts import ModelFacts, TrainedOn
from fundus_unet.runs.run_directory import plain
from running import ROOT


@cache
def model_with(upsampler: str) -> DictConfig:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        return compose("train", [f"upsampler={upsampler}", "model.widths=[4,8]"]).model


def facts_with(upsampler: str = "transposed_k4s2p1", **changes: Any) -> ModelFacts:
    values: dict[str, Any] = {
        "model": plain(model_with(upsampler)),
        "scale": None,
        "fov_diameter": 512.0,
        "threshold": 0.43,
        "precision": "bf16-mixed",
        "upsampler": upsampler,
        "trained_on": TrainedOn(data="chasedb1", seed=0, commit="c448433", created="2026-11-24T11:40:00"),
        "size_multiple": 2,
        "context": 16,
    }
    return ModelFacts(**(values | changes))


def network_of(facts: ModelFacts) -> nn.Module:
    """Ready to predict; its normalizations have seen images, so that they are not the identity."""
    torch.manual_seed(0)
    network = build(OmegaConf.create(facts.model), trusted=True)
    with torch.no_grad():
        for _ in range(3):
            network(3 * torch.randn(2, 3, 32, 48) + 1)
    return network.eval()
