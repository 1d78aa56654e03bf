"""Training patches: each is a pure function of (seed, patch number)."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from fundus_unet.core.errors import InputError
from fundus_unet.core.seeding import generator_for
from fundus_unet.data.images.preprocessing import normalize
from fundus_unet.data.images.store import ImageStore, LabelledImage
from fundus_unet.data.patches.augmentation import Augmentation


class PatchDataset(Dataset[dict[str, Tensor]]):
    """Random patches whose centre lies in the field of view, cropped first and augmented after.

    Item `number`: `image` float32 (3, P, P), `label` float32 (1, P, P) in [0, 1], the share of vessel in each working
    pixel, `field_of_view` bool (1, P, P). The same number gives the same patch in any process and any order.
    """

    def __init__(
        self,
        samples: Sequence[LabelledImage],
        augmentation: Augmentation,
        patch_size: int,
        patches: int,
        seed: int,
        batch_size: int = 1,
    ) -> None:
        if patch_size < 1:
            raise InputError("a patch has at least one pixel", expected="data.patch_size >= 1", got=patch_size)
        self.samples = samples
        self.augmentation = augmentation
        self.patch_size = patch_size
        self.patches = patches
        self.seed = seed
        self.batch_size = batch_size

    def __len__(self) -> int:
        return self.patches

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        random = generator_for(self.seed, "patch", number)
        index = int(random.integers(len(self.samples)))
        if isinstance(self.samples, ImageStore):
            sample = self.samples.for_patch(index, number, number // self.batch_size)
        else:
            sample = self.samples[index]
        working = sample.working
        centre = _centre_in(working.field_of_view, random)
        source_size = self.augmentation.source_size(self.patch_size)
        image, label, inside = self.augmentation(
            crop_around(working.image, centre, source_size),
            crop_around(sample.working_label, centre, source_size),
            crop_around(working.field_of_view.view(np.uint8) * np.uint8(255), centre, source_size),
            patch_size=self.patch_size,
            seed=int(random.integers(2**31)),
        )
        field_of_view = inside > 127
        return {
            "image": normalize(image, field_of_view, working.mean, working.std),
            "label": torch.from_numpy(label.astype(np.float32) / 255)[None],
            "field_of_view": torch.from_numpy(field_of_view)[None],
        }


class PatchSampler(Sampler[int]):
    """Patch numbers of one epoch: epoch `e` takes the `e`-th block, split among `world_size` processes.

    Args:
        epoch: The first one, as long as nobody sets another. Loaders with workers ask for the first batches as soon
            as they are made, so a resumed training cannot set it later.
    """

    def __init__(self, patches_per_epoch: int, rank: int = 0, world_size: int = 1, epoch: int = 0) -> None:
        self.patches_per_epoch = patches_per_epoch
        self.rank = rank
        self.world_size = world_size
        self.epoch = epoch

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.patches_per_epoch // self.world_size

    def __iter__(self) -> Iterator[int]:
        first = self.epoch * self.patches_per_epoch
        return iter(range(first + self.rank, first + len(self) * self.world_size, self.world_size))


def crop_around(array: np.ndarray, centre: tuple[int, int], size: int) -> np.ndarray:
    """The square of `size` pixels around `centre` (row, column); zeros beyond the array.

    Shapes:
        (H, W[, C]) -> (size, size[, C]).
    """
    top, left = centre[0] - size // 2, centre[1] - size // 2
    bottom, right = top + size, left + size
    inside = array[max(top, 0) : bottom, max(left, 0) : right]
    beyond = (max(-top, 0), max(bottom - array.shape[0], 0), max(-left, 0), max(right - array.shape[1], 0))
    return cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_CONSTANT, value=0) if any(beyond) else inside


def _centre_in(field_of_view: np.ndarray, random: np.random.Generator, tries: int = 100) -> tuple[int, int]:
    for _ in range(tries):
        row, column = (int(random.integers(side)) for side in field_of_view.shape)
        if field_of_view[row, column]:
            return row, column
    rows, columns = np.nonzero(field_of_view)  # a field so small that chance misses it
    pick = int(random.integers(len(rows)))
    return int(rows[pick]), int(columns[pick])
