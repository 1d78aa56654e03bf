"""Tiny trainings and networks on a GPU."""

from functools import partial
from typing import Any

import torch
from torch import Tensor

from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.unet import UNet
from fundus_unet.training.muon import Muon
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from running import TINY, Finished, Scripts

CUDA = "cuda"
TRAINER = "trainer=gpu"
ON_CUDA = tuple(TRAINER if setting == "trainer=cpu" else setting for setting in TINY)
DATA = ("data=chasedb1", "paths.data_dir=sets")


def train(scripts: Scripts, *overrides: str, trainer: str = TRAINER) -> Finished:
    """`Scripts.train`, on a GPU."""
    settings = (trainer if setting == TRAINER else setting for setting in ON_CUDA)
    return scripts("train", *DATA, *settings, *overrides)


def segmenter(**optimizer: Any) -> VesselSegmenter:
    """Of a small U-Net, on the CPU, with the weights of seed 0."""
    torch.manual_seed(0)
    upsampler = partial(TransposedConvUpsampler, kernel_size=4, padding=1)
    network = UNet(3, 1, widths=(8, 16, 32), upsampler=upsampler, downsampler=MaxPoolDownsampler)
    schedule = partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.03)
    return VesselSegmenter(network, BCEDiceLoss(), partial(Muon, **optimizer), schedule, VesselScores())


def batch(size: int = 4, side: int = 64) -> dict[str, Tensor]:
    """Patches of noise, on the CPU."""
    random = torch.Generator().manual_seed(1)
    image = torch.randn(size, 3, side, side, generator=random)
    label = (torch.rand(size, 1, side, side, generator=random) < 0.1).float()
    return {"image": image, "label": label, "field_of_view": torch.ones_like(label, dtype=torch.bool)}
