"""The user's own folder: pairs, splits, and every way a pair can be broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.layouts import SIZE, write_folder
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import read_image, read_label, read_mask
from fundus_unet.data.sets.dealing import deal_out
from fundus_unet.data.sets.folder import Folder


def names(cases) -> list[str]:
    return [case.name for case in cases]


@given(count=st.integers(3, 200), seed=st.integers(0, 99), val=st.floats(0.01, 0.3), test=st.floats(0.01, 0.3))
def test_dealing_out_is_a_partition(count, seed, val, test):
    everyone = tuple(f"eye{number}" for number in range(count))
    dealt = deal_out(everyone, val, test, seed)
    assert sorted(dealt.all()) == sorted(everyone)
    assert min(map(len, (dealt.train, dealt.val, dealt.test))) >= 1
    assert abs(len(dealt.test) - max(1, count * test)) <= 0.5
    assert dealt == deal_out(everyone[::-1], val, test, seed), "the order of the files does not matter"


def test_dealing_out_never_changes():
    everyone = tuple(f"eye{number}" for number in range(10))
    assert deal_out(everyone, 0.2, 0.2, seed=0).test == ("eye2", "eye3")
    assert len({deal_out(everyone, 0.2, 0.2, seed).test for seed in range(20)}) > 5


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_to_deal_out(tmp_path, count):
    (tmp_path / "images").mkdir()
    write_folder(tmp_path, count)
    with pytest.raises(InputError, match="too few" if count else "no images"):
        Folder(tmp_path).splits()


def test_files_belong_together(tmp_path):
    splits = Folder(write_folder(tmp_path, count=8)).splits()
    cases = splits.train + splits.val + splits.test
    assert sorted(names(cases)) == [f"eye{number}" for number in range(1, 9)]
    assert (len(splits.val), len(splits.test), splits.test_reason) == (1, 1, None)
    for case in cases:
        for path in (case.image, case.label, case.mask, case.second_label):
            assert path.stem == case.name
    assert read_image(case.image).shape == (*SIZE, 3)
    assert read_label(case.second_label, SIZE).sum() < read_label(case.label, SIZE).sum()
    assert read_mask(case.mask, SIZE).mean() > 0.5


def test_masks_are_optional_one_by_one(tmp_path):
    write_folder(tmp_path, count=4)
    (tmp_path / "masks" / "eye2.tif").unlink()
    splits = Folder(tmp_path).splits()
    assert {case.name for case in splits.train + splits.val + splits.test if case.mask is None} == {"eye2"}


def test_other_and_hidden_files_are_passed_over(tmp_path):
    write_folder(tmp_path, count=4)
    for name in ("images/.DS_Store", "images/._eye1.png", "labels/notes.txt", "labels/Thumbs.db"):
        (tmp_path / name).write_bytes(b"x")
    splits = Folder(tmp_path).splits()
    assert len(splits.train + splits.val + splits.test) == 4


def test_train_val_test_folders(tmp_path):
    for part, first in (("train", 1), ("val", 11), ("test", 21)):
        write_folder(tmp_path / part, count=2, first=first)
    splits = Folder(tmp_path).splits()
    assert [names(cases) for cases in (splits.train, splits.val, splits.test)] == [
        ["eye1", "eye2"],
        ["eye11", "eye12"],
        ["eye21", "eye22"],
    ]
    (tmp_path / "test" / "labels").rename(tmp_path / "elsewhere")
    splits = Folder(tmp_path).splits()
    assert names(splits.test) == ["eye21", "eye22"]
    assert all(case.label is None for case in splits.test)
    assert str(tmp_path / "test" / "labels") in splits.test_reason


def test_train_folder_alone_gives_validation_and_a_reason(tmp_path):
    write_folder(tmp_path / "train", count=4)
    splits = Folder(tmp_path).splits()
    assert (len(splits.train), len(splits.val), len(splits.test)) == (3, 1, 0)
    assert str(tmp_path / "test" / "images") in splits.test_reason


def test_one_name_in_two_folders(tmp_path):
    for part in ("train", "val", "test"):
        write_folder(tmp_path / part, count=2)
    with pytest.raises(InputError, match="'eye1' stands in two places"):
        Folder(tmp_path).splits()


def test_unpaired_image_names_the_nearest_label(tmp_path):
    write_folder(tmp_path, count=4)
    (tmp_path / "labels" / "eye3.png").rename(tmp_path / "labels" / "eye3_vessels.png")
    with pytest.raises(InputError, match=r"image .*eye3\.png has no label(.|\n)*did you mean 'eye3_vessels'"):
        Folder(tmp_path).splits()


@pytest.mark.parametrize(
    ("folder", "kind"), [("labels", "label"), ("masks", "mask"), ("labels2", "second observer's label")]
)
def test_a_file_without_its_image(tmp_path, folder, kind):
    write_folder(tmp_path, count=4)
    (tmp_path / folder / "eye9.png").write_bytes((tmp_path / "labels" / "eye1.png").read_bytes())
    with pytest.raises(InputError, match=rf"{kind} .*eye9\.png has no image"):
        Folder(tmp_path).splits()


def test_two_images_with_one_stem(tmp_path):
    write_folder(tmp_path, count=4)
    (tmp_path / "images" / "eye1.TIF").write_bytes((tmp_path / "images" / "eye1.png").read_bytes())
    with pytest.raises(InputError, match=r"'eye1'(.|\n)*eye1\.TIF and eye1\.png"):
        Folder(tmp_path).splits()


@pytest.mark.parametrize("missing", ["images", "labels"])
def test_a_missing_folder_is_named(tmp_path, missing):
    write_folder(tmp_path, count=4)
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=rf"{tmp_path / missing}\n(.|\n)*no such folder(.|\n)*data\.source\.root="):
        Folder(tmp_path).splits()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 15])
def test_fraction_out_of_range(tmp_path, fraction):
    with pytest.raises(InputError, match="test_fraction"):
        Folder(tmp_path, test_fraction=fraction)
