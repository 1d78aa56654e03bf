"""What every option of configs/loss promises."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

YAMLS = sorted((Path(__file__).parents[2] / "configs" / "loss").glob("*.yaml"))
every_loss = pytest.mark.parametrize("yaml", YAMLS, ids=lambda path: path.stem)


def loss_of(yaml: Path, logits: Tensor, label: Tensor, region: Tensor) -> Tensor:
    value = instantiate(OmegaConf.load(yaml))(logits, label, region)
    return value["loss"] if isinstance(value, Mapping) else value


@pytest.fixture
def batch() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    label = (torch.rand(2, 1, 12, 16, generator=generator) < 0.2).float()
    region = torch.ones(2, 1, 12, 16, dtype=torch.bool)
    region[..., :4] = False
    return torch.randn(2, 1, 12, 16, generator=generator), label, region


@every_loss
def test_the_label_itself_loses_least(yaml: Path, batch: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, label, region = batch
    right = loss_of(yaml, 20 * label - 10, label, region)
    assert right.ndim == 0
    assert right < loss_of(yaml, logits, label, region) < loss_of(yaml, 10 - 20 * label, label, region)


@every_loss
def test_only_the_region_counts(yaml: Path, batch: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, label, region = batch
    elsewhere = torch.where(region, logits, 1e4), torch.where(region, label, 1 - label)
    assert torch.equal(loss_of(yaml, logits, label, region), loss_of(yaml, *elsewhere, region))


@every_loss
def test_an_empty_region_loses_nothing(yaml: Path, batch: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, label, region = batch
    assert loss_of(yaml, logits, label, torch.zeros_like(region)) == 0


@every_loss
def test_every_pixel_of_the_region_gets_a_gradient(yaml: Path, batch: tuple[Tensor, Tensor, Tensor]) -> None:
    logits, label, region = batch
    logits.requires_grad_()
    loss_of(yaml, logits, label, region).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert torch.equal(logits.grad != 0, region)
