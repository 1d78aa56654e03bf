"""Steps and validations are timed on copies: counted right, and without a trace."""

import itertools
import multiprocessing
import random
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from data.layouts import write_folder
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.data.sets.folder import Folder
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.training import step_timing
from fundus_unet.training.figures import PredictionFigures
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.training.step_timing import FEWEST_BLOCKS, measure, step_times, validation_seconds

CPU = {"accelerator": "cpu", "devices": 1, "precision": "32-true", "gradient_clip_val": 1.0}


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    splits = Folder(write_folder(tmp_path_factory.mktemp("eyes"), count=6), val_fraction=0.5).splits()
    return [ImageStore(cases, Preprocessor(scale=0.5)) for cases in (splits.train, splits.val)]


def datamodule(stores, workers: int = 0) -> FundusDataModule:
    options = {"patch_size": 16, "batch_size": 2, "steps_per_epoch": 1, "workers": workers, "seed": 0}
    return FundusDataModule(*stores, Augmentation(), **options)


class Counting(nn.Module):
    """A network that counts, over all of its copies, how often it is called."""

    calls = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Dropout(0.5), nn.Conv2d(4, 1, 1))

    def forward(self, x):
        next(self.calls)
        return self.layers(x)


def segmenter(network: nn.Module | None = None, loss: nn.Module | None = None) -> VesselSegmenter:
    return VesselSegmenter(
        network or Counting(),
        loss or BCEDiceLoss(),
        partial(torch.optim.AdamW, lr=0.1),
        partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.1),
        VesselScores(),
    )


def states() -> list:
    return [torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()]


@pytest.mark.parametrize("workers", [0, 2])
def test_nothing_of_the_training_is_changed(stores, workers: int) -> None:
    model, data = segmenter(), datamodule(stores, workers)
    optimizer, schedule = model.plan_steps(40)
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    before, planned = states(), schedule.state_dict()
    found = measure(model, data, CPU, seconds=0.05, images=3, callbacks=[PredictionFigures(1)], writes_events=True)
    assert states() == before
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert model.network.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.plan_steps(40) == (optimizer, schedule)
    assert schedule.state_dict() == planned
    assert data.patches_per_epoch == 2
    assert (data.val, data.trainer) == (stores[1], None)
    assert not multiprocessing.active_children()
    assert min(found.step, found.validation) > 0


def test_the_bare_step_is_timed_on_one_batch() -> None:
    batch = {
        "image": torch.rand(2, 3, 16, 16),
        "label": torch.zeros(2, 1, 16, 16),
        "field_of_view": torch.ones(2, 1, 16, 16, dtype=torch.bool),
    }
    times = step_times(segmenter(), itertools.repeat(batch), CPU, seconds=0.0)
    assert len(times.blocks) == FEWEST_BLOCKS
    assert min(*times.blocks, times.checkpoint) > 0


def test_a_job_of_a_cluster_with_several_tasks_is_measured_all_the_same(stores, monkeypatch) -> None:
    for name, value in {"SLURM_NTASKS": "4", "SLURM_JOB_NAME": "train", "SLURM_JOB_ID": "7"}.items():
        monkeypatch.setenv(name, value)
    assert measure(segmenter(), datamodule(stores), CPU, seconds=0.0, images=1).step > 0


class Clock:
    """A time that goes on by one second whenever it is asked for."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize(("workers", "seconds", "blocks"), [(0, 0, 3), (0, 5, 5), (2, 0, 3), (3, 7, 7)])
def test_a_block_has_a_step_for_each_worker_and_all_last_as_long_as_asked_for(
    stores, monkeypatch, workers: int, seconds: float, blocks: int
) -> None:
    monkeypatch.setattr(step_timing, "time", Clock())
    Counting.calls = itertools.count()
    batches = datamodule(stores)
    batches.patches_per_epoch = 2000
    times = step_times(segmenter(), batches.train_dataloader(), CPU, seconds=seconds, workers=workers)
    block = max(1, workers)
    assert times.blocks == (1 / block,) * blocks
    assert next(Counting.calls) == 2 * workers + 3 + blocks * block
    assert times.checkpoint == 1


@pytest.mark.parametrize(
    ("seconds", "validated", "expected_seconds"), [(100, [0, 1, 2], 4), (1, [0, 2], 4), (5, [0, 2], 4)]
)
def test_some_images_from_all_over_the_set_stand_for_it(
    stores, monkeypatch, seconds: float, validated: list[int], expected_seconds: float
) -> None:
    clock = Clock()
    monkeypatch.setattr(step_timing, "time", clock)
    seen, data = [], datamodule(stores)
    whole = VesselSegmenter.validation_step

    def remembered(self, batch, index):
        seen.append(batch["image"].sum().item())
        clock.now += 1  # and another second for each validation
        return whole(self, batch, index)

    monkeypatch.setattr(VesselSegmenter, "validation_step", remembered)
    found = validation_seconds(segmenter(), data, CPU, seconds=seconds, images=3)
    expected = [data.val_dataloader().dataset[index]["image"].sum().item() for index in [0, 0, *validated]]
    assert seen == pytest.approx(expected)
    assert found == expected_seconds


def test_weights_that_diverge_are_measured_too(stores) -> None:
    model = segmenter()
    model.make_optimizer = partial(torch.optim.SGD, lr=1e30)
    model.make_scheduler = lambda optimizer, total_steps: torch.optim.lr_scheduler.ConstantLR(optimizer)
    assert measure(model, datamodule(stores), CPU, seconds=0.0, images=3).step > 0


def test_a_single_image_is_validated_as_often_as_a_time_needs(stores) -> None:
    seen = []
    model = segmenter()
    model.network.register_forward_hook(lambda *_: seen.append(1))
    assert validation_seconds(model, datamodule(stores), CPU, seconds=100, images=1) > 0
    assert len(seen) == 2
