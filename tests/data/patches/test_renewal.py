"""Training images that are followed by others without end: the same whatever the workers and the restarts."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from data.layouts import write_folder
from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import LANES, ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.data.patches.sampling import PatchDataset
from fundus_unet.data.sets.folder import Folder
from fundus_unet.data.sets.synthetic import Synthetic
from fundus_unet.data.synthetic.generate import generate_fundus, image_seed

COUNTS = {"train": 3, "val": 1, "test": 1, "size": 64, "variety": "wide"}
NONE = {"flips": False, "affine": 0, "elastic": 0, "colour": 0, "blur": 0, "noise": 0}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("synthetic")
    Synthetic(root, **COUNTS).splits()
    return root


def cases(root: Path, renew_after: int | None, **changes: int) -> tuple[Case, ...]:
    return Synthetic(root, **(COUNTS | changes), renew_after=renew_after).splits().train


def store(root: Path, renew_after: int | None = 4, **preprocessing: float) -> ImageStore:
    return ImageStore(cases(root, renew_after), Preprocessor(**(preprocessing or {"scale": 1.0})))


def dataset(samples: ImageStore, batch_size: int = 4) -> PatchDataset:
    return PatchDataset(samples, Augmentation(**NONE), 32, 1000, seed=0, batch_size=batch_size)


def equal(one: dict, other: dict) -> bool:
    return all(torch.equal(one[key], other[key]) for key in one)


def test_a_patch_depends_on_its_number_alone(root: Path) -> None:
    numbers = list(range(0, 60, 3))
    expected = [dataset(store(root))[number] for number in numbers]
    backwards = dataset(store(root))
    assert all(equal(backwards[number], patch) for number, patch in reversed(list(zip(numbers, expected, strict=True))))
    loader = DataLoader(
        dataset(store(root)), sampler=numbers, batch_size=None, num_workers=2, multiprocessing_context="spawn"
    )
    assert all(equal(patch, one) for patch, one in zip(loader, expected, strict=True))


def test_epochs_are_the_same_whatever_the_workers_and_after_a_restart(root: Path) -> None:
    def epochs(workers: int, *numbers: int) -> list[torch.Tensor]:
        numbers_of = {"patch_size": 24, "batch_size": 4, "steps_per_epoch": 5, "workers": workers, "seed": 0}
        data = FundusDataModule(store(root), store(root, None), Augmentation(), **numbers_of)
        loader, batches = data.train_dataloader(), []
        for number in numbers:
            loader.sampler.set_epoch(number)
            batches += [batch["image"] for batch in loader]
        return batches

    expected = epochs(0, 0, 1, 2)
    torch.testing.assert_close(epochs(2, 0, 1, 2), expected, rtol=0, atol=0)
    torch.testing.assert_close(epochs(0, 2), expected[10:], rtol=0, atol=0)


def test_images_are_renewed_one_after_another_as_often_as_asked(root: Path) -> None:
    samples = store(root, renew_after=5)
    seen = [[samples.for_patch(index, patch, 0).working.image.tobytes() for index in range(3)] for patch in range(75)]
    for index in range(3):
        row = [images[index] for images in seen]
        assert 5 <= len(set(row)) <= 6
        assert max(Counter(row).values()) == 15, "of 3 images, 5 patches of each in 15 patches"
    changes = [sum(a != b for a, b in zip(seen[i], seen[i + 1], strict=True)) for i in range(74)]
    assert max(changes) == 1, "never several at once"
    assert len({image for images in seen for image in images}) >= 15


def test_the_first_image_is_the_file_and_no_later_one_is_in_the_set_or_comes_twice(root: Path) -> None:
    samples = store(root)
    assert samples.for_patch(0, 0, 0).working.image.tobytes() == samples[0].working.image.tobytes()
    files = {generate_fundus(image_seed(0, index), 64, "wide").image.tobytes() for index in range(1, 6)}
    renewals = [case.renewal for case in cases(root, 1)]
    later = [renewal.following(version)[0].tobytes() for renewal in renewals if renewal for version in range(1, 5)]
    assert len(set(later)) == 12
    assert not files & set(later)


def test_another_seed_is_followed_by_other_images(root: Path, tmp_path: Path) -> None:
    here, other = (cases(path, 1, seed=seed)[0].renewal for path, seed in ((root, 0), (tmp_path, 1)))
    assert here is not None
    assert other is not None
    assert not np.array_equal(here.following(1)[0], other.following(1)[0])


def test_renewed_images_come_at_the_working_resolution(root: Path) -> None:
    samples = store(root, fov_diameter=40.0)
    for patch in (0, 20, 200):
        working = samples.for_patch(1, patch, 0).working
        assert 38 <= np.sqrt(4 / np.pi * working.field_of_view.sum()) * 1.05 <= 60 or working.field_of_view.all()
        assert working.image.shape[0] < 64
    one = replace(cases(root, 4)[0], fov_diameter=30.0)
    own = ImageStore([one], Preprocessor(scale=1.0)).for_patch(0, 99, 0).working
    assert own.image.shape[0] < 48


def test_as_many_images_are_kept_as_are_renewed(root: Path) -> None:
    samples = store(root, renew_after=1)
    for patch in range(40):
        samples.for_patch(patch % 3, patch, patch)
    assert len(samples._renewed) == 3


def test_images_that_stay_are_not_touched_beside_those_that_do_not(root: Path, tmp_path: Path) -> None:
    real = Folder(write_folder(tmp_path / "eyes", count=4)).splits().train
    mixed = ImageStore([*real, *cases(root, 2)], Preprocessor(scale=0.5))
    before = mixed[0].working.image.copy()
    for patch in range(0, 100, 10):
        assert np.array_equal(mixed.for_patch(0, patch, patch).working.image, before)
    last = len(mixed) - 1
    assert mixed.for_patch(last, 90, 0).case.name == mixed.cases[last].name
    assert "3 of them followed by others without end" in mixed.describe()


def test_each_of_the_usual_workers_makes_images_of_its_own_lane_alone(root: Path) -> None:
    case = cases(root, 1)[0]
    many = ImageStore([replace(case, name=str(number)) for number in range(19)], Preprocessor(scale=1.0))
    lanes = [{many._in_lane(index, batch) for index in range(19)} for batch in range(2 * LANES)]
    assert lanes[:LANES] == lanes[LANES:]
    assert set.union(*lanes) == set(range(19))
    assert sum(map(len, lanes[:LANES])) == 19
    few = ImageStore([replace(case, name=str(number)) for number in range(5)], Preprocessor(scale=1.0))
    assert {few._in_lane(index, 3) for index in range(5)} == set(range(5)), "too few to be divided"


@pytest.mark.parametrize("value", [0, -1, 1.5])
def test_a_number_of_patches_that_cannot_be_is_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(InputError, match=r"data\.source\.renew_after"):
        Synthetic(tmp_path, **COUNTS, renew_after=value)
