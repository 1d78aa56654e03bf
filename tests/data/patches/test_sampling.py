"""Patches that depend on seed and draw number alone, and lie where they say."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from data.layouts import SIZE, draw
from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import LabelledImage
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.sampling import PatchDataset, PatchSampler, crop_around

NONE = {"flips": False, "affine": 0, "elastic": 0, "colour": 0, "blur": 0, "noise": 0}
ALL = {"affine": 1, "elastic": 1, "colour": 1, "blur": 1, "noise": 1}
DRAWS = 8


def sample(image: np.ndarray, label: np.ndarray, field: np.ndarray) -> LabelledImage:
    working = Preprocessor(scale=1).prepare(image, field)
    return LabelledImage(Case("eye", Path("eye.png")), working, label, label // 255, field)


def eyes() -> list[LabelledImage]:
    drawn = (draw(seed) for seed in range(3))
    return [sample(photo, label, mask > 0) for photo, label, _, mask in drawn]


def dataset(seed: int = 0, knobs: dict = ALL, patch_size: int = 32, samples=None) -> PatchDataset:
    return PatchDataset(samples or eyes(), Augmentation(**knobs), patch_size, DRAWS, seed)


def equal(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_the_same_in_any_order_and_any_process():
    expected = [dataset()[draw_number] for draw_number in range(DRAWS)]
    backwards = dataset()
    for number in reversed(range(DRAWS)):
        assert equal(backwards[number], expected[number])
    elsewhere = DataLoader(dataset(), sampler=[5, 2], batch_size=None, num_workers=1, multiprocessing_context="spawn")
    for number, patch in zip([5, 2], elsewhere, strict=True):
        assert equal(patch, expected[number])


def test_other_draws_and_seeds_differ():
    images = [dataset(seed)[number]["image"] for seed in range(2) for number in range(DRAWS)]
    assert len({image.numpy().tobytes() for image in images}) == 2 * DRAWS


@pytest.mark.parametrize("knobs", [NONE, ALL], ids=["plain", "augmented"])
def test_items(knobs):
    labels = []
    for number in range(DRAWS):
        patch = dataset(knobs=knobs)[number]
        assert patch["image"].shape == (3, 32, 32)
        assert patch["field_of_view"].dtype == torch.bool
        assert not patch["image"][:, ~patch["field_of_view"][0]].any()
        labels.append(patch["label"])
    assert torch.cat(labels).min() == 0
    assert torch.cat(labels).max() == 1


@pytest.mark.parametrize("pixels", [[(3, 90)], [(0, 0), (89, 95), (40, 40)]])
def test_the_centre_is_in_the_field_however_small(pixels):
    field = np.zeros(SIZE, bool)
    field[tuple(zip(*pixels, strict=True))] = True
    photo, label, _, _ = draw(0)
    patches = dataset(knobs=NONE, patch_size=5, samples=[sample(photo, label, field)])
    assert all(patches[number]["field_of_view"][0, 2, 2] for number in range(DRAWS))


@pytest.mark.parametrize("patch_size", [9, 16, 120], ids=["odd", "even", "larger than the image"])
def test_without_augmentation_a_patch_is_the_normalised_crop(patch_size):
    _, label, _, mask = draw(1)
    rows, columns = np.indices(SIZE, np.uint8)
    whole = sample(np.dstack([rows, columns, rows // 2 + columns]), label, mask > 0)
    working = whole.working
    beyond = [(0, 0), (patch_size, patch_size), (patch_size, patch_size)]
    expected = {
        "image": np.pad(working.tensor().numpy(), beyond),
        "label": np.pad(label[None].astype(np.float32) / 255, beyond),
        "field_of_view": np.pad(working.field_of_view[None], beyond),
    }
    centres = set()
    for number in range(DRAWS):
        patch = dataset(knobs=NONE, patch_size=patch_size, samples=[whole])[number]
        middle = patch["image"][:2, patch_size // 2, patch_size // 2].numpy()
        row, column = np.rint(middle * working.std[:2] + working.mean[:2]).astype(int)
        centres.add((row, column))
        top, left = row - patch_size // 2 + patch_size, column - patch_size // 2 + patch_size
        for key, values in expected.items():
            np.testing.assert_array_equal(patch[key], values[:, top : top + patch_size, left : left + patch_size])
    assert len(centres) > 4


@pytest.mark.parametrize("size", [1, 4, 5, 30])
@pytest.mark.parametrize("centre", [(0, 0), (0, 8), (6, 0), (6, 8), (3, 4)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_crops_are_aligned_and_zero_beyond_the_border(size, centre, channels):
    array = np.random.default_rng(0).integers(1, 255, (7, 9, *channels)).astype(np.uint8)
    padded = np.pad(array, [(size, size)] * 2 + [(0, 0)] * len(channels))
    top, left = centre[0] - size // 2 + size, centre[1] - size // 2 + size
    np.testing.assert_array_equal(crop_around(array, centre, size), padded[top : top + size, left : left + size])


def test_epochs_take_consecutive_blocks_of_draws():
    sampler = PatchSampler(6)
    drawn = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        drawn += sampler
        assert len(sampler) == 6
    assert drawn == list(range(18))


@pytest.mark.parametrize("epoch", [0, 3])
def test_two_processes_share_an_epoch(epoch):
    parts = [PatchSampler(6, rank, 2) for rank in range(2)]
    for part in parts:
        part.set_epoch(epoch)
    first, second = map(list, parts)
    assert len(first) == len(second) == len(parts[0]) == 3
    assert sorted(first + second) == list(range(6 * epoch, 6 * epoch + 6))


@pytest.mark.parametrize("processes", [2, 3, 6])
def test_batches_of_all_processes_are_those_of_one(processes):
    """With a batch of 6 for all together."""
    whole = list(PatchSampler(24, epoch=2))
    parts = [list(PatchSampler(24, rank, processes, epoch=2)) for rank in range(processes)]
    size = 6 // processes
    for step in range(4):
        dealt = [part[step * size : (step + 1) * size] for part in parts]
        assert [number for numbers in zip(*dealt, strict=True) for number in numbers] == whole[step * 6 : step * 6 + 6]


def test_a_patch_has_a_size():
    with pytest.raises(InputError, match="at least one pixel"):
        dataset(patch_size=0)
