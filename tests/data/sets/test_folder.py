"""The user's own folder: pairs, splits, and every way a pair can be broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.layouts import SIZE, write_folder
from fundus_unet.core.errors import InputError
from fundus_unet.data.cross_validation import cross_validation
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


@pytest.mark.parametrize(("suffix", "prefix"), [("_1stHO", ""), (".ah", ""), ("", "label_"), ("_v", "seg-")])
def test_labels_that_all_begin_or_end_alike(tmp_path, capsys, suffix, prefix):
    write_folder(tmp_path, count=6)
    for path in sorted((tmp_path / "labels").iterdir()):
        path.rename(path.with_name(f"{prefix}{path.stem}{suffix}{path.suffix}"))
    splits = Folder(tmp_path).splits()
    for case in splits.train + splits.val + splits.test:
        assert case.label.stem == f"{prefix}{case.name}{suffix}"
    assert f"NAME with {prefix}NAME{suffix}" in capsys.readouterr().out


def test_names_that_can_be_read_in_two_ways(tmp_path):
    write_folder(tmp_path, count=2)
    for folder, names in (("images", ("1.png", "2.JPG")), ("labels", ("1_2.png", "2_1.png"))):
        for path, name in zip(sorted((tmp_path / folder).iterdir()), names, strict=True):
            path.rename(path.with_name(name))
    with pytest.raises(InputError, match=r"two ways(.|\n)*NAME_2(.|\n)*1_NAME"):
        Folder(tmp_path).splits()


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ({"images": "photos"}, ["photos", "no such folder", "data.images="]),
        ({"labels": "drawn"}, ["drawn", "no such folder"]),
        ({"labels": "labels/*_drawn.png"}, ["*_drawn.png", "no file of that name"]),
        ({"masks": "fov"}, ["data.masks names no file", "fov"]),
        ({"labels2": "labels2/*_b.gif"}, ["data.labels2 names no file"]),
        ({"labels": "images"}, ["no images in", "named as labels"]),
        ({"masks": "labels"}, ["taken twice", "label and field-of-view mask"]),
        ({"images": " "}, ["data.images is empty"]),
        ({"images": "images/eye?.png"}, ["names no image", "a *"]),
        ({"images": "images/*1.png", "labels": "labels/*.png"}, ["eye1.png has no label", "'eye1'"]),
        (
            {"images": "images/*.*", "labels": "labels/*2.*"},
            ["images/eye1.png has no label (4 of 4 have none: eye1.png,"],
        ),
        ({"images": "**/*1.*", "labels": "labels"}, ["eye1"]),
        ({"subjects": "face*"}, ["data.source.subjects does not fit the image eye1"]),
        ({"groups": "eye"}, ["data.source.groups does not fit"]),
    ],
)
def test_places_that_cannot_be_used(tmp_path, places, words):
    write_folder(tmp_path, count=4)
    with pytest.raises(InputError) as raised:
        Folder(tmp_path, **places).splits()
    for word in words:
        assert word in str(raised.value)


def test_a_place_below_the_working_directory_is_suggested(tmp_path, monkeypatch):
    write_folder(tmp_path / "mine", count=4)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=rf"did you mean data\.images={tmp_path}/mine/images"):
        Folder("data/folder", images="mine/images", labels="mine/labels").splits()


def test_images_of_one_person_stay_together_in_parts_and_folds(tmp_path):
    write_folder(tmp_path, count=24, size=(16, 16), first=10)
    splits = Folder(tmp_path, subjects="eye(*)?", groups="eye?*").splits()
    cases = splits.train + splits.val + splits.test
    assert {case.name: (case.subject, case.group) for case in cases} == {
        f"eye{number}": (str(number)[0], str(number)[1]) for number in range(10, 34)
    }
    fold = cross_validation(splits, 3, 0)
    for parts in (splits, fold):
        persons = [{case.subject for case in part} for part in (parts.train, parts.val, parts.test)]
        assert sum(map(len, persons)) == 3


def test_a_part_may_have_other_names(tmp_path):
    for part, first in (("training", 1), ("validation", 11), ("testing", 21)):
        write_folder(tmp_path / part, count=2, first=first)
    splits = Folder(tmp_path).splits()
    assert [names(cases)[0] for cases in (splits.train, splits.val, splits.test)] == ["eye1", "eye11", "eye21"]


def test_images_at_the_top_are_taken_where_train_has_none(tmp_path):
    write_folder(tmp_path, count=4)
    (tmp_path / "train").mkdir()
    splits = Folder(tmp_path).splits()
    assert len(splits.train + splits.val + splits.test) == 4


def test_other_images_of_the_same_names_in_two_parts(tmp_path):
    write_folder(tmp_path / "train", count=4)
    write_folder(tmp_path / "test" / "other", count=4, first=5)
    for path in sorted((tmp_path / "test" / "other").rglob("*.*")):
        target = tmp_path / "test" / path.parent.name / f"eye{int(path.stem[3:]) - 4}{path.suffix}"
        target.parent.mkdir(exist_ok=True)
        path.rename(target)
    splits = Folder(tmp_path).splits()
    assert names(splits.test) == [f"test_eye{number}" for number in range(1, 5)]
    assert {name[:9] for name in names(splits.train + splits.val)} == {"train_eye"}


def test_a_folder_that_is_named_as_labels_is_not_taken_as_masks_too(tmp_path):
    write_folder(tmp_path, count=4, masks=False)
    (tmp_path / "labels").rename(tmp_path / "masks")
    with pytest.raises(InputError, match=r"masks/ is there: it is read as fields of view(.|\n)*add data.labels=masks"):
        Folder(tmp_path).splits()
    for named in ("masks", f"{tmp_path}/masks", "./masks/", "masks/*"):
        splits = Folder(tmp_path, labels=named).splits()
        cases = splits.train + splits.val + splits.test
        assert {(case.label.parent.name, case.mask) for case in cases} == {("masks", None)}


def test_a_missing_label_is_called_as_the_others_are(tmp_path):
    write_folder(tmp_path, count=8)
    for path in sorted((tmp_path / "labels").iterdir()):
        path.rename(path.with_name(f"{path.stem}_manual1.png"))
    (tmp_path / "labels/eye3_manual1.png").unlink()
    with pytest.raises(InputError, match=r"expected: labels/eye3_manual1\.png, as the others are called"):
        Folder(tmp_path).splits()
    for number in (1, 2, 5, 6):
        (tmp_path / f"labels/eye{number}_manual1.png").unlink()
    with pytest.raises(InputError, match=r"\(5 of 8 have none: eye1\.png, eye2\.JPG, eye3\.png, eye5\.png, \.\.\.\)"):
        Folder(tmp_path).splits()


@pytest.mark.parametrize(("ending", "kept"), [("_gt.png", ".jpg"), (".gif", ".jpg"), ("_1stHO.png", ".png")])
def test_the_patterns_of_a_flat_folder_are_suggested(tmp_path, ending, kept):
    write_folder(tmp_path / "sorted", count=4)
    for folder, end in (("images", kept), ("labels", ending)):
        for path in (tmp_path / "sorted" / folder).iterdir():
            path.rename(tmp_path / f"{path.stem}{end}")
    suggested = {"images": f"*{kept}", "labels": f"*{ending}"}
    with pytest.raises(InputError) as raised:
        Folder(tmp_path).splits()
    assert f"add 'data.images=*{kept}' 'data.labels=*{ending}'" in str(raised.value)
    assert "8 images in" in str(raised.value)
    assert "eye1" in str(raised.value)
    assert len(Folder(tmp_path, **suggested).splits().train) == 2


def test_folders_of_other_usual_names_are_suggested(tmp_path):
    write_folder(tmp_path, count=4, masks=False)
    (tmp_path / "images").rename(tmp_path / "Original")
    (tmp_path / "labels").rename(tmp_path / "Ground truth")
    with pytest.raises(InputError, match=r"add data\.images=Original 'data\.labels=Ground truth'") as raised:
        Folder(tmp_path).splits()
    assert "images in the folders Ground truth, Original, labels2" in str(raised.value)


def test_images_without_any_pair_are_told_and_nothing_is_suggested(tmp_path):
    write_folder(tmp_path / "sorted", count=4)
    (tmp_path / "sorted/images").rename(tmp_path / "sorted/eyes")
    with pytest.raises(InputError, match=r"images in the folders eyes, labels(.|\n)*set data\.source\.root="):
        Folder(tmp_path / "sorted").splits()
