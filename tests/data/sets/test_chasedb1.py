"""CHASE_DB1: who is in which split, and which files belong together."""

import os

import pytest

from data.layouts import SIZE, write_chasedb1, write_chasedb1_sorted
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import read_image, read_label
from fundus_unet.data.sets.chasedb1 import SPLITS, ChaseDB1


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_chasedb1(tmp_path_factory.mktemp("data") / "CHASE_DB1")


@pytest.mark.parametrize(("split", "counts"), [("first20", (16, 4, 8)), ("fraz8", (6, 2, 20))])
def test_membership(split, counts):
    names = SPLITS[split]
    assert (len(names.train), len(names.val), len(names.test)) == counts
    assert names.all() == tuple(f"Image_{child:02d}{eye}" for child in range(1, 15) for eye in "LR")
    children = [{name[6:8] for name in part} for part in (names.train, names.val, names.test)]
    assert sum(map(len, children)) == 14, "both eyes of a child are in one part"


def test_first20_is_the_usual_one():
    names = SPLITS["first20"]
    assert names.val == ("Image_09L", "Image_09R", "Image_10L", "Image_10R")
    assert (names.test[0], names.test[-1]) == ("Image_11L", "Image_14R")


@pytest.mark.parametrize("split", SPLITS)
def test_files_belong_together(root, split):
    splits = ChaseDB1(root, split).splits()
    assert [case.name for case in splits.test] == list(SPLITS[split].test)
    for case in splits.train + splits.val + splits.test:
        assert case.image.name == f"{case.name}.jpg"
        assert case.label.name == f"{case.name}_1stHO.png"
        assert case.second_label.name == f"{case.name}_2ndHO.png"
        assert case.mask is None
    assert splits.test_reason is None
    assert read_image(case.image).shape == (*SIZE, 3)
    assert read_label(case.second_label, SIZE).sum() < read_label(case.label, SIZE).sum()


@pytest.mark.parametrize("folder", ["CHASE_DB1", "CHASEDB1", "chasedb1_original"])
def test_the_folder_or_its_parent(root, tmp_path, folder):
    (tmp_path / folder).symlink_to(root)
    assert ChaseDB1(tmp_path / folder).splits().train[0].image.parent == tmp_path / folder
    if folder != "chasedb1_original":
        assert len(ChaseDB1(tmp_path).splits().train) == 16
    else:
        with pytest.raises(InputError, match=r"Image_01L\.jpg"):
            ChaseDB1(tmp_path).splits()


def test_the_default_root_finds_the_official_folder_name(root, tmp_path):
    (tmp_path / "CHASEDB1").symlink_to(root)
    assert ChaseDB1(tmp_path / "CHASE_DB1").splits().train[0].image.parent == tmp_path / "CHASEDB1"


def test_a_relative_root_is_reported_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as raised:
        ChaseDB1("data/CHASE_DB1").splits()
    message = str(raised.value)
    for words in [
        str(tmp_path / "data" / "CHASE_DB1" / "Image_01L.jpg"),
        "no such folder",
        "Kingston University",
        "paths.data_dir=/folder/that/contains/CHASE_DB1",
    ]:
        assert words in message


@pytest.mark.parametrize("missing", ["Image_01L.jpg", "Image_12R_1stHO.png", "Image_07L_2ndHO.png"])
def test_a_missing_file_is_named(tmp_path, missing):
    root = write_chasedb1(tmp_path / "CHASE_DB1", size=(24, 24))
    (root / missing).unlink()
    for given in (root, tmp_path):
        with pytest.raises(InputError, match=missing) as raised:
            ChaseDB1(given).splits()
        assert str(tmp_path) in str(raised.value)


def test_no_second_observer_is_fine(tmp_path):
    splits = ChaseDB1(write_chasedb1(tmp_path, size=(24, 24), second=False)).splits()
    assert all(case.second_label is None for case in splits.test)


def test_sorted_into_folders(tmp_path):
    root = write_chasedb1_sorted(tmp_path / "CHASEDB1", size=(24, 24))
    case = ChaseDB1(tmp_path / "CHASE_DB1").splits().test[0]
    below = [path.relative_to(root).as_posix() for path in (case.image, case.label, case.second_label)]
    assert below == ["images/Image_11L.JPG", "1st_manual/Image_11L_1stHO.png", "2nd_manual/Image_11L_2ndHO.png"]


def test_labels_called_as_their_images(tmp_path):
    root = write_chasedb1_sorted(tmp_path, size=(24, 24))
    for path in sorted((root / "1st_manual").iterdir()):
        path.rename(path.with_name(f"{path.stem[:9]}.png"))
    case = ChaseDB1(root).splits().train[0]
    assert case.label == root / "1st_manual" / "Image_01L.png"


@pytest.mark.parametrize(
    "archive", ["CHASE_DB1/CHASEDB1.zip", "CHASEDB1.zip", "CHASE_DB1/data.tar.gz", "CHASE_DB1.rar"]
)
def test_an_archive_that_is_not_unpacked_is_named_with_the_command(tmp_path, archive):
    (tmp_path / "CHASE_DB1").mkdir()
    (tmp_path / archive).touch()
    (tmp_path / "HRF.zip").touch()
    with pytest.raises(InputError) as raised:
        ChaseDB1(tmp_path / "CHASE_DB1").splits()
    assert f"archive {tmp_path / archive}" in str(raised.value)
    assert f"data get chasedb1 source={tmp_path / archive}" in str(raised.value)
    assert "HRF" not in str(raised.value)


def test_the_folder_above_may_be_closed(root, tmp_path, monkeypatch):
    (tmp_path / "CHASE_DB1").symlink_to(root)
    listed = os.listdir

    def refusing(folder):
        if folder == tmp_path:
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(os, "listdir", refusing)
    assert len(ChaseDB1(tmp_path / "CHASE_DB1").splits().train) == 16
    with pytest.raises(InputError, match="cannot be listed"):
        ChaseDB1(tmp_path).splits()


def test_unknown_split(tmp_path):
    with pytest.raises(InputError, match="did you mean 'first20'"):
        ChaseDB1(tmp_path, "first-20")


@pytest.mark.real
def test_real_labels(real_data):
    splits = ChaseDB1(real_data).splits()
    cases = splits.train + splits.val + splits.test
    assert len(cases) == 28
    for case in cases:
        for path in (case.label, case.second_label):
            label = read_label(path, (960, 999))
            assert set(label.ravel()[::7].tolist()) == {0, 1}
            assert 0.045 < label.mean() < 0.09
    assert read_image(cases[0].image).shape == (960, 999, 3)
