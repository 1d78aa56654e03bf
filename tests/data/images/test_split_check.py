"""Every unusable file of every split is found before training, and all are told at once."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.layouts import draw, save, write_chasedb1, write_drive
from fundus_unet.core.errors import MOST_TOLD, InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.images.decoding import size_of
from fundus_unet.data.images.split_check import check_splits
from fundus_unet.data.sets.chasedb1 import ChaseDB1
from fundus_unet.data.sets.drive import Drive

PHOTO, LABEL, SECOND, MASK = draw(0)


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
    assert "what to do" in str(told.value)


def test_all_bad_files_are_listed_at_once(root):
    grey(root / "Image_01L_1stHO.png")
    small(root / "Image_10R_1stHO.png")
    empty(root / "Image_12L_2ndHO.png")
    cut(root / "Image_14R.jpg")
    with pytest.raises(InputError, match="4 files of the data set cannot be used; nothing was trained") as told:
        check_splits(ChaseDB1(root).splits())
    for name in ("Image_01L_1stHO.png", "Image_10R_1stHO.png", "Image_12L_2ndHO.png", "Image_14R.jpg"):
        assert str(told.value).count(name) == 1
    assert "expected 96 x 90 pixels (width x height), got 96 x 50" in str(told.value)


def test_all_missing_files_are_listed_at_once(root):
    for name in ("Image_02L_1stHO.png", "Image_13R_1stHO.png"):
        (root / name).unlink()
    with pytest.raises(InputError, match=r"(?s)2 files.*Image_02L_1stHO.*Image_13R_1stHO.*what to do: get CHASE_DB1"):
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
    with pytest.raises(InputError, match="eye has no label"):
        check_splits(Splits((case,), (), ()))


def test_a_list_without_end_is_cut(root):
    cases = tuple(Case(f"eye{number}", root / "Image_01L.jpg") for number in range(MOST_TOLD + 7))
    with pytest.raises(InputError, match="and 7 more") as told:
        check_splits(Splits(cases, (), ()))
    assert len(str(told.value).splitlines()) < MOST_TOLD + 5


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".ppm.gz"])
def test_the_size_by_the_header_is_that_of_the_decoded_image(tmp_path, suffix):
    path = tmp_path / f"eye{suffix}"
    save(path, PHOTO)
    assert size_of(path) == PHOTO.shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_turned_image(tmp_path, orientation):
    image, exif = Image.fromarray(PHOTO), Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "eye.jpg", exif=exif)
    height, width = PHOTO.shape[:2]
    assert size_of(tmp_path / "eye.jpg") == ((width, height) if orientation >= 5 else (height, width))


def test_a_file_without_a_size_says_why(tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        size_of(tmp_path / "eye.png")
    (tmp_path / "eye.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not an image"):
        size_of(tmp_path / "eye.png")
