"""Every unusable file of every split is found before training, and all are told at once."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from data.layouts import draw, save, write_chasedb1, write_drive
from fundus_unet.core.errors import MOST_TOLD, InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.checking.split_check import check_splits
from fundus_unet.data.sets.chasedb1 import ChaseDB1
from fundus_unet.data.sets.drive import Drive

_, LABEL, _, MASK = draw(0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return write_chasedb1(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def root(whole, tmp_path) -> Path:
    return shutil.copytree(whole, tmp_path / "CHASE_DB1")


def grey(path: Path) -> None:
    save(path, np.where(LABEL > 0, 255, 90).astype(np.uint8))


def small(path: Path) -> None:
    save(path, LABEL[:50])


def empty(path: Path) -> None:
    save(path, LABEL * 0)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def test_a_sound_set_passes_and_every_case_is_shown(root):
    shown = []
    check_splits(ChaseDB1(root).splits(), lambda cases: [shown.append(case.name) or case for case in cases])
    assert len(shown) == 28


@pytest.mark.parametrize("name", ["Image_01L", "Image_09L", "Image_11L"], ids=["train", "val", "test"])
@pytest.mark.parametrize("rater", ["1stHO", "2ndHO"])
@pytest.mark.parametrize(
    ("spoil", "expected"),
    [(grey, "neither background nor vessel"), (small, "another size"), (empty, "no vessel"), (cut, "damaged")],
)
def test_one_bad_label_is_told_as_ever(root, name, rater, spoil, expected):
    spoil(root / f"{name}_{rater}.png")
    with pytest.raises(InputError, match=expected) as told:
        check_splits(ChaseDB1(root).splits())
    assert f"{name}_{rater}.png" in str(told.value)
    assert "nothing was trained" in str(told.value)
    assert "what to do" in str(told.value)


def test_all_bad_files_are_listed_at_once(root):
    grey(root / "Image_01L_1stHO.png")
    small(root / "Image_10R_1stHO.png")
    empty(root / "Image_12L_2ndHO.png")
    cut(root / "Image_14R.jpg")
    (root / "Image_02L.jpg").write_bytes((root / "Image_02L.jpg").read_bytes()[:-300])  # its header is whole
    with pytest.raises(InputError, match="5 files of the data set cannot be used; nothing was trained") as told:
        check_splits(ChaseDB1(root).splits())
    for name in ("Image_01L_1stHO.png", "Image_10R_1stHO.png", "Image_12L_2ndHO.png", "Image_14R.jpg", "Image_02L.jpg"):
        line = next(line for line in str(told.value).splitlines() if name in line)
        assert str(told.value).count(name) == 1
        assert re.search(r"\): (replace|copy or download|check that both|save the vessels)", line), line
    assert "expected 96 x 90 pixels (width x height), got 96 x 50" in str(told.value)


def test_all_missing_files_are_listed_at_once(root):
    for name in ("Image_02L_1stHO.png", "Image_13R_1stHO.png"):
        (root / name).unlink()
    with pytest.raises(InputError, match=r"(?s)2 files.*Image_02L_1stHO.*Image_13R_1stHO.*do: copy what is missing"):
        ChaseDB1(root).splits()


def test_masks_are_checked_and_test_images_may_have_no_label(tmp_path):
    root = write_drive(tmp_path / "DRIVE", test_labels=False)
    check_splits(Drive(root).splits())
    mask = next((root / "test/mask").iterdir())
    save(mask.with_suffix(".png"), MASK * 0)
    shutil.move(mask.with_suffix(".png"), mask)
    with pytest.raises(InputError, match=f"(?s){mask.name} is empty"):
        check_splits(Drive(root).splits())


def test_a_training_image_without_a_label(root):
    case = Case("eye", root / "Image_01L.jpg")
    with pytest.raises(InputError, match="eye is to be learned from and has no label"):
        check_splits(Splits((case,), (), ()))


def test_a_list_without_end_is_cut(root):
    cases = tuple(Case(f"eye{number}", root / "Image_01L.jpg") for number in range(MOST_TOLD + 7))
    with pytest.raises(InputError, match="and 7 more") as told:
        check_splits(Splits(cases, (), ()))
    assert len(str(told.value).splitlines()) < MOST_TOLD + 5
