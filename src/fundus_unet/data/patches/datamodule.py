"""Data loaders for training and validation."""

import sys
from collections.abc import Sequence
from types import TracebackType

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.sampling import PatchDataset, PatchSampler


class WholeImageDataset(Dataset[dict[str, Tensor]]):
    """Whole images at working resolution, with the labels at the original one.

    Item:
        `image` float32 (3, h, w), `label` float32 (1, h, w), `field_of_view` bool (1, h, w), `original_label` uint8
        (1, H, W) and `original_field_of_view` bool (1, H, W). `counts` bool (1,) is false for an image that is there
        only for as many steps as other processes have.

    Args:
        share: The numbers of this process's images, None for one that does not count; without it, all of them.
    """

    def __init__(self, samples: ImageStore, share: Sequence[int | None] | None = None) -> None:
        self.samples = samples
        self.share = range(len(samples)) if share is None else share

    def __len__(self) -> int:
        return len(self.share)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        number = self.share[index]
        sample = self.samples[number or 0]
        return {
            "counts": torch.tensor([number is not None]),
            "image": sample.working.tensor(),
            "label": torch.from_numpy(sample.working_label).float()[None] / 255,
            "field_of_view": torch.from_numpy(sample.working.field_of_view)[None],
            "original_label": torch.from_numpy(sample.label)[None],
            "original_field_of_view": torch.from_numpy(sample.field_of_view)[None],
        }


class FundusDataModule(LightningDataModule):
    """Random patches for training, whole images for validation.

    Every patch depends on (`seed`, its number) alone, and epoch `e` takes the `e`-th block of numbers: neither the
    number of workers nor a restart at an epoch's beginning changes what the network sees. Processes that train together
    divide every batch, and the validation images, among themselves.

    Args:
        batch_size: Of all processes together.
        steps_per_epoch: Batches make an epoch, however many images there are.

    Raises:
        InputError: For a number out of range or a split without images.
    """

    def __init__(
        self,
        train: ImageStore,
        val: ImageStore,
        augmentation: Augmentation,
        *,
        patch_size: int,
        batch_size: int,
        steps_per_epoch: int,
        workers: int,
        seed: int,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("patch_size", patch_size, 1),
            ("batch_size", batch_size, 1),
            ("steps_per_epoch", steps_per_epoch, 1),
            ("workers", workers, 0),
        ):
            if not isinstance(value, int) or value < least:
                raise InputError(f"data.{name} cannot be used", expected=f"an integer of at least {least}", got=value)
        if not len(train) or not len(val):
            raise InputError(
                "there is nothing to train on or to validate with",
                expected="at least one image each",
                got=f"{len(train)} for training, {len(val)} for validation",
            )
        self.train = train
        self.val = val
        self.augmentation = augmentation
        self.patch_size = patch_size
        self.batch_size = batch_size
        self.patches_per_epoch = steps_per_epoch * batch_size
        self.workers = workers
        self.seed = seed
        self.validated: int | None = None
        """So many images, from the first one on, are all processes together to validate with; None: all of them."""

    @property
    def _process(self) -> tuple[int, int]:
        """The number of this process among those that train together, and how many there are."""
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        trainer = self.trainer
        rank, world_size = self._process
        patches = PatchDataset(
            self.train, self.augmentation, self.patch_size, self.patches_per_epoch, self.seed, self.batch_size
        )
        return DataLoader(
            patches,
            batch_size=self.batch_size // world_size,
            sampler=PatchSampler(self.patches_per_epoch, rank, world_size, trainer.current_epoch if trainer else 0),
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
            pin_memory=torch.cuda.is_available() and (trainer is None or trainer.strategy.root_device.type == "cuda"),
            drop_last=True,
            worker_init_fn=_send_quietly,
            generator=torch.Generator(),  # without one, each pass takes a number from the generator that training uses
        )

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        images = len(self.val) if self.validated is None else self.validated
        return DataLoader(WholeImageDataset(self.val, share_of(images, *self._process)), batch_size=1)


def share_of(images: int, rank: int, processes: int) -> list[int | None]:
    """A process's part of so many images in a row; as long as every other's, filled up with None."""
    length = -(-images // processes)
    return [number if number < images else None for number in range(rank * length, (rank + 1) * length)]


def _send_quietly(worker: int) -> None:
    """In a worker: no traceback where an interrupted training no longer takes the patch that it was sent."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if not issubclass(kind, ConnectionError | EOFError):
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = tell
