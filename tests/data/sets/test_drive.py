"""DRIVE: who is in which split, GIF labels and masks, and the download without test labels."""

import pytest

from data.layouts import SIZE, write_drive, write_rite
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import count_label_classes, read_label, read_mask
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


def test_converted_files_and_a_wrapping_folder(tmp_path):
    root = write_drive(tmp_path / "DRIVE" / "DRIVE", size=(24, 24))
    for path in sorted(root.rglob("*.gif")):
        path.rename(path.with_suffix(".png"))
    case = Drive(tmp_path / "DRIVE").splits().test[0]
    assert [path.name for path in (case.label, case.mask)] == ["01_manual1.png", "01_test_mask.png"]


@pytest.mark.parametrize("vessel", [True, False])
def test_rite_alone_has_no_reference_of_the_test_images(root, tmp_path, vessel):
    rite, usual = Drive(write_rite(tmp_path / "AV_groundTruth", vessel=vessel)).splits(), Drive(root).splits()
    for case, same in zip(rite.train + rite.val, usual.train + usual.val, strict=True):
        assert case.label.parent.name == ("vessel" if vessel else "av")
        assert (read_label(case.label, SIZE) == read_label(same.label, SIZE)).all()
    for case, same in zip(rite.test, usual.test, strict=True):
        assert case.label is None
        assert (read_label(case.second_label, SIZE) == read_label(same.second_label, SIZE)).all()
    assert "data.source.split=rite" in rite.test_reason
    if not vessel:
        assert count_label_classes(case.second_label, SIZE)["vein"] > 0


def test_split_rite_is_scored_with_the_second_observer(root, tmp_path):
    both = write_rite(tmp_path / "DRIVE")
    for path in root.rglob("*_manual*.gif"):
        (both / path.relative_to(root)).parent.mkdir(parents=True, exist_ok=True)
        (both / path.relative_to(root)).write_bytes(path.read_bytes())
    rite, official = Drive(both, "rite").splits(), Drive(both).splits()
    assert {case.label.parent.name for case in rite.train + rite.test} == {"vessel"}
    assert {case.second_label for case in rite.test} == {None}
    assert rite.test_reason is None
    assert {case.label.parent.name for case in official.train + official.test} == {"1st_manual"}
    assert {case.second_label.parent.name for case in official.test} == {"2nd_manual"}


def test_nothing_there(tmp_path):
    with pytest.raises(
        InputError, match=r"training/images/21_training\.tif(.|\n)*contains/DRIVE(.|\n)*grand-challenge(.|\n)*source="
    ):
        Drive(tmp_path / "DRIVE").splits()
