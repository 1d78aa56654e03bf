"""DRIVE: who is in which split, GIF labels and masks, and the download without test labels."""

import pytest

from data.layouts import SIZE, write_drive
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import read_label, read_mask
from fundus_unet.data.sets.drive import SPLITS, Drive


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_drive(tmp_path_factory.mktemp("data") / "DRIVE")


def test_membership():
    names = SPLITS["official"]
    assert names.train + names.val == tuple(f"{number}_training" for number in range(21, 41))
    assert names.val == ("37_training", "38_training", "39_training", "40_training")
    assert names.test == tuple(f"{number:02d}_test" for number in range(1, 21))


def test_files_belong_together(root):
    splits = Drive(root.parent).splits()
    assert splits.test_reason is None
    for case in splits.train + splits.val:
        number = case.name[:2]
        below = [path.relative_to(root).as_posix() for path in (case.image, case.label, case.mask)]
        assert below == [
            f"training/images/{number}_training.tif",
            f"training/1st_manual/{number}_manual1.gif",
            f"training/mask/{number}_training_mask.gif",
        ]
        assert case.second_label is None
    for case in splits.test:
        number = case.name[:2]
        below = [path.relative_to(root).as_posix() for path in (case.image, case.label, case.mask, case.second_label)]
        assert below == [
            f"test/images/{number}_test.tif",
            f"test/1st_manual/{number}_manual1.gif",
            f"test/mask/{number}_test_mask.gif",
            f"test/2nd_manual/{number}_manual2.gif",
        ]
    assert read_label(case.label, SIZE).max() == 1
    assert 0.4 < read_mask(case.mask, SIZE).mean() < 0.8


def test_the_official_download_has_no_test_labels(tmp_path):
    root = write_drive(tmp_path, size=(24, 24), test_labels=False)
    splits = Drive(root).splits()
    assert len(splits.test) == 20
    assert all(case.label is None and case.second_label is None and case.mask for case in splits.test)
    assert str(root / "test" / "1st_manual") in splits.test_reason
    assert "01_manual1.gif" in splits.test_reason


def test_no_test_folder(tmp_path):
    root = write_drive(tmp_path, size=(24, 24))
    (root / "test").rename(root / "elsewhere")
    splits = Drive(root).splits()
    assert splits.test == ()
    assert "test/images" in splits.test_reason


@pytest.mark.parametrize(
    "missing", ["test/1st_manual/03_manual1.gif", "test/2nd_manual/20_manual2.gif", "training/images/40_training.tif"]
)
def test_a_missing_file_is_named(tmp_path, missing):
    root = write_drive(tmp_path, size=(24, 24))
    (root / missing).unlink()
    with pytest.raises(InputError, match=missing):
        Drive(root).splits()


def test_nothing_there(tmp_path):
    with pytest.raises(
        InputError, match=r"training/images/21_training\.tif(.|\n)*grand-challenge(.|\n)*contains/DRIVE"
    ):
        Drive(tmp_path / "DRIVE").splits()
