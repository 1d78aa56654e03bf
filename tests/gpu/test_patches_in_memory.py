"""Patches for a GPU lie in memory that it reads by itself; for a training on the CPU they do not."""

import pytest
from lightning.pytorch import Trainer

from data.layouts import write_folder
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.data.sets.folder import Folder

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize(("accelerator", "workers"), [("gpu", 0), ("gpu", 2), ("cpu", 0)])
def test_patches_are_pinned_where_a_gpu_trains(tmp_path, accelerator: str, workers: int) -> None:
    splits = Folder(write_folder(tmp_path, count=4), val_fraction=0.5).splits()
    stores = [ImageStore(cases, Preprocessor(scale=0.5)) for cases in (splits.train, splits.val)]
    data = FundusDataModule(
        *stores, Augmentation(), patch_size=16, batch_size=2, steps_per_epoch=2, workers=workers, seed=0
    )
    data.trainer = Trainer(
        accelerator=accelerator, devices=1, logger=False, enable_checkpointing=False, enable_progress_bar=False
    )
    batches = list(data.train_dataloader())
    assert len(batches) == 2
    assert {one.is_pinned() for batch in batches for one in batch.values()} == {accelerator == "gpu"}
