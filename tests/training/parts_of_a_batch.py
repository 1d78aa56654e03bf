"""What each of several processes does with its part of a batch, in the tests of `test_several_processes.py`."""

import warnings
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch import Trainer
from omegaconf import OmegaConf
from torch import nn

from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.data.sets.folder import Folder
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.runs.processes import processes_settings, share_validation
from fundus_unet.training.muon import Muon
from fundus_unet.training.segmenter import DivergedError, VesselSegmenter
from fundus_unet.training.synced_batch_norm import SyncedBatchNorms
from fundus_unet.training.whole_batch import whole_batch


def batch(size: int = 6) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Image, label and region, of which every sample has another share."""
    random = torch.Generator().manual_seed(3)
    image = torch.randn(size, 3, 8, 8, generator=random) * torch.arange(1.0, size + 1).view(-1, 1, 1, 1)
    label = (torch.rand(size, 1, 8, 8, generator=random) < torch.linspace(0.0, 0.6, size).view(-1, 1, 1, 1)).float()
    region = torch.rand(size, 1, 8, 8, generator=random) < torch.linspace(0.2, 1.0, size).view(-1, 1, 1, 1)
    return image, label, region


def network(dtype: torch.dtype) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.BatchNorm2d(4, momentum=None),
        nn.BatchNorm2d(4, affine=False),
        nn.Conv2d(4, 1, 1),
    ).to(dtype)


def trained(dtype: torch.dtype, synced: bool = True, whole: bool = True, steps: int = 3) -> dict[str, Any]:
    """Losses, gradients of the first step, and weights after some, of this process's part of the batch.

    Args:
        synced: Whether batch norms are of all processes together; `whole`: whether the loss is.
    """
    rank, count = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    model, loss = network(dtype), BCEDiceLoss()
    names = list(model.state_dict())
    norms = SyncedBatchNorms()
    if synced:
        norms.apply(model)
    assert list(model.state_dict()) == names
    wrapped = nn.parallel.DistributedDataParallel(model) if count > 1 else model
    optimizer = Muon(model.parameters())
    image, label, region = (part[rank::count] for part in batch())
    losses, gradients = [], {}
    for _ in range(steps):
        optimizer.zero_grad()
        logits = wrapped(image.to(dtype))
        value = loss(*(whole_batch(logits, label, region) if whole else (logits, label, region)))["loss"]
        value.backward()
        gradients = gradients or {name: one.grad.clone() for name, one in model.named_parameters()}
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        optimizer.step()
        losses.append(float(value.detach()))
    kinds = [type(module) for module in norms.revert(model).modules()]
    return {"losses": losses, "gradients": gradients, "weights": model.state_dict(), "kinds": kinds}


def gathered() -> tuple[torch.Tensor, ...]:
    """The whole batch of parts in several types."""
    rank, count = dist.get_rank(), dist.get_world_size()
    numbers = torch.arange(6.0).view(6, 1, 1, 1)[rank::count]
    return whole_batch(numbers.bfloat16(), numbers.double(), numbers > 2, numbers.to(torch.uint8))


def validated(folder: Path, limit: float | int | None = None, diverges: bool = False) -> dict[str, Any]:
    """What a validation logs, what it counted, and in how many steps.

    Args:
        diverges: Whether the second process's first image comes out as NaN.
    """
    warnings.simplefilter("ignore")
    count = dist.get_world_size() if dist.is_initialized() else 1
    cases = Folder(folder, val_fraction=0.34).splits()
    stores = [ImageStore(some, Preprocessor(scale=0.5)) for some in (cases.train, cases.val)]
    data = FundusDataModule(
        *stores, Augmentation(), patch_size=16, batch_size=2 * count, steps_per_epoch=2, workers=0, seed=0
    )
    torch.manual_seed(0)
    layer = (_Diverging if diverges else nn.Conv2d)(3, 1, 3, padding=1)
    model = VesselSegmenter(layer, BCEDiceLoss(), None, None, VesselScores())
    group = OmegaConf.create({"accelerator": "cpu", "devices": count, "limit_val_batches": limit})
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(**processes_settings(group), **quiet, enable_model_summary=False, use_distributed_sampler=False)
    share_validation(trainer, data)
    try:
        (logged,) = trainer.validate(model, data, verbose=False)
    except DivergedError as error:
        return {"diverged": str(error)}
    with model.val_scores.sync_context():
        histogram = model.val_scores.histogram.clone()
    return {"logged": logged, "histogram": histogram, "steps": len(data.val_dataloader()), "images": len(stores[1])}


class _Diverging(nn.Conv2d):
    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        bad = dist.is_initialized() and dist.get_rank() == 1 and self.calls == 1
        return super().forward(x) * (float("nan") if bad else 1)
