"""What a training is made of before any image is read."""

import pytest
import torch
from hydra import compose, initialize_config_dir
from lightning.pytorch import Trainer
from omegaconf import DictConfig
from torch import nn

from data.layouts import write_folder
from fundus_unet.commands.config_files import CONFIG_DIR
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.data.sets.folder import Folder
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.runs.training_objects import make_segmenter, patch_workers, training_steps
from fundus_unet.training.segmenter import VesselSegmenter

SMALL = ("data.steps_per_epoch=6", "data.patch_size=16", "data.batch_size=2", "model.widths=[4,8]")


def config(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return compose("train", [*SMALL, *overrides])


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    splits = Folder(write_folder(tmp_path_factory.mktemp("eyes"), count=4), val_fraction=0.4).splits()
    return [ImageStore(cases, Preprocessor(scale=0.5)) for cases in (splits.train, splits.val)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("overrides", "steps"),
    [
        (["trainer.max_epochs=2"], 12),
        (["trainer.max_epochs=2", "trainer.limit_train_batches=4"], 8),
        (["trainer.max_epochs=1", "trainer.limit_train_batches=400"], 6),
        (["trainer.max_epochs=2", "trainer.limit_train_batches=0.5"], 6),
        (["trainer.max_epochs=2", "+trainer.accumulate_grad_batches=4"], 4),
        (["trainer.max_epochs=3", "+trainer.overfit_batches=1"], 3),
        (["trainer.max_epochs=3", "+trainer.max_steps=7"], 7),
    ],
)
def test_the_steps_told_are_those_that_lightning_makes(stores, overrides, steps):
    settings = config(*overrides, "trainer=cpu")
    assert training_steps(settings) == steps
    model = VesselSegmenter(
        nn.Conv2d(3, 1, 1),
        BCEDiceLoss(),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        lambda optimizer, total_steps: torch.optim.lr_scheduler.ConstantLR(optimizer),
        VesselScores(),
    )
    data = FundusDataModule(*stores, Augmentation(), patch_size=16, batch_size=2, steps_per_epoch=6, workers=0, seed=0)
    given = dict(settings.trainer) | {"precision": "32-true", "limit_val_batches": 0}
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = Trainer(**given, **quiet, use_distributed_sampler=False)
    trainer.fit(model, data)
    assert trainer.global_step == steps


@pytest.mark.parametrize("limit", ["0", "-1", "0.01", "1.5"])
def test_no_batch_at_all_is_refused(limit):
    with pytest.raises(InputError, match="a share of them"):
        training_steps(config(f"trainer.limit_train_batches={limit}"))


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["trainer.max_epochs=1", "trainer.limit_train_batches=4"], "4 training steps"),
        (["scheduler.pct_start=1.5"], "pct_start"),
        (["model.upsampler.padding=0"], "cannot turn length 8 into 16"),
        (["model.upsampler.kernel_size=1"], "smaller than the stride"),
        (["data.patch_size=2", "data.batch_size=1"], "cannot take a batch of 1 patches of 2 x 2"),
    ],
)
def test_what_cannot_be_trained_fails_without_data(overrides, expected):
    with pytest.raises(Exception, match=expected):
        make_segmenter(config(*overrides), trusted=True)


@pytest.mark.parametrize(
    ("gpu", "cores", "overrides", "workers"),
    [
        (False, 16, [], 0),
        (True, 16, [], 4),
        (True, 3, [], 2),
        (True, 1, [], 1),
        (True, 16, ["trainer.accelerator=cpu"], 0),
        (False, 2, ["data.workers=3"], 3),
        (True, 16, ["data.workers=0"], 0),
    ],
)
def test_processes_make_patches_beside_a_gpu_alone(monkeypatch, gpu, cores, overrides, workers):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: gpu)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert patch_workers(config(*overrides)) == workers


@pytest.mark.parametrize(("processes", "workers"), [(1, 4), (2, 4), (4, 3), (8, 1), (16, 1)])
def test_processes_share_the_cores_for_their_patches(monkeypatch, processes, workers):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    assert patch_workers(config(), processes) == workers
