"""Loaders that give every run the same patches, and validation its original labels."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from data.layouts import write_folder
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule, share_of
from fundus_unet.data.sets.folder import Folder

NUMBERS = {"patch_size": 24, "batch_size": 3, "steps_per_epoch": 2, "workers": 0, "seed": 0}


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    splits = Folder(write_folder(tmp_path_factory.mktemp("eyes"), count=4)).splits()
    stores = [ImageStore(cases, Preprocessor(scale=0.5)) for cases in (splits.train, splits.val)]
    for store in stores:
        store.load()
    return stores


def datamodule(stores, **numbers) -> FundusDataModule:
    return FundusDataModule(*stores, Augmentation(), **(NUMBERS | numbers))


def epochs(data: FundusDataModule, *numbers: int) -> list[torch.Tensor]:
    """The batches of these epochs, each with all of its entries in one tensor."""
    loader, batches = data.train_dataloader(), []
    for number in numbers:
        loader.sampler.set_epoch(number)
        batches += [torch.cat([batch[key].float() for key in sorted(batch)], dim=1) for batch in loader]
    return batches


def test_epochs_do_not_depend_on_workers_or_on_what_ran_before(stores):
    expected = epochs(datamodule(stores), 0, 1)
    assert [batch.shape for batch in expected] == [(3, 5, 24, 24)] * 4
    torch.testing.assert_close(epochs(datamodule(stores, workers=2), 0, 1), expected, rtol=0, atol=0)
    torch.testing.assert_close(epochs(datamodule(stores), 1), expected[2:], rtol=0, atol=0)
    assert len({patch.numpy().tobytes() for batch in expected for patch in batch}) == 12, "no patch comes twice"
    assert not torch.equal(epochs(datamodule(stores, seed=1), 0)[0], expected[0])


@pytest.mark.parametrize("workers", [0, 1])
def test_patches_take_nothing_from_the_generator_that_training_uses(stores, workers):
    data = datamodule(stores, workers=workers)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    epochs(data, 0, 1)
    assert torch.equal(torch.rand(1), expected)


class Listener(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        self.seen.append(batch["image"])
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore")
def test_lightning_moves_on_to_the_next_epoch(stores):
    trainer = Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    listener = Listener()
    trainer.fit(listener, datamodule(stores))
    expected = [batch[:, 1:4] for batch in epochs(datamodule(stores), 0, 1)]  # field of view, image, label
    torch.testing.assert_close(listener.seen, expected, rtol=0, atol=0)


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_together_see_every_patch_and_every_validation_image_once(stores, processes):
    numbers = {"batch_size": 6, "steps_per_epoch": 3}
    expected = epochs(datamodule(stores, **numbers), 1)
    parts, images = [], []
    for rank in range(processes):
        data = datamodule(stores, **numbers)
        data.trainer = SimpleNamespace(global_rank=rank, world_size=processes, current_epoch=0)
        parts.append(epochs(data, 1))
        loader = data.val_dataloader()
        assert len(loader) == -(-len(data.val) // processes)
        images += [item["image"] for item in loader if item["counts"]]
    for step, batch in enumerate(expected):
        together = torch.stack([part[step] for part in parts], dim=1).flatten(0, 1)
        torch.testing.assert_close(together, batch, rtol=0, atol=0)
    whole = [item["image"] for item in datamodule(stores).val_dataloader()]
    torch.testing.assert_close(images, whole, rtol=0, atol=0)


@pytest.mark.parametrize("images", [1, 4, 5])
@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_shares_are_equally_long_and_cover_every_image(images, processes):
    shares = [share_of(images, rank, processes) for rank in range(processes)]
    assert len({len(share) for share in shares}) == 1
    assert [number for share in shares for number in share if number is not None] == list(range(images))


def test_validation_has_the_original_label(stores):
    data = datamodule(stores)
    items = list(data.val_dataloader())
    assert len(items) == len(data.val)
    for item, sample in zip(items, data.val, strict=True):
        np.testing.assert_array_equal(item["original_label"][0, 0], sample.label)
        np.testing.assert_array_equal(item["original_field_of_view"][0, 0], sample.field_of_view)
        torch.testing.assert_close(item["image"][0], sample.working.tensor())
        height, width = sample.label.shape
        assert item["image"].shape[-2:] == (height // 2, width // 2)
        share = sample.label.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        np.testing.assert_allclose(item["label"][0, 0], share, atol=1 / 255)
        np.testing.assert_array_equal(item["field_of_view"][0, 0], sample.working.field_of_view)


@pytest.mark.parametrize(
    ("name", "value"), [("patch_size", 0), ("batch_size", 0), ("steps_per_epoch", 0), ("workers", -1)]
)
def test_bad_numbers(stores, name, value):
    with pytest.raises(InputError, match=rf"data\.{name}"):
        datamodule(stores, **{name: value})


@pytest.mark.parametrize("empty", [0, 1])
def test_an_empty_split(stores, empty):
    stores = list(stores)
    stores[empty] = ImageStore([], Preprocessor(scale=1))
    with pytest.raises(InputError, match="nothing to train on or to validate"):
        datamodule(stores)
