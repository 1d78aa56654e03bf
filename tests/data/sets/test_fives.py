"""FIVES: who is in which split, and a set that is not whole."""

import shutil
from collections import Counter

import pytest

from data.layouts import fives_names, write_fives
from fundus_unet.core.errors import InputError
from fundus_unet.data.cross_validation import Member, fold_names
from fundus_unet.data.images.reading import read_label
from fundus_unet.data.sets.fives import Fives, group_of, official

NAMES = [f"{part}_{name}" for part, name in fives_names()]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_fives(tmp_path_factory.mktemp("data") / "FIVES")


def test_membership() -> None:
    names = official(NAMES)
    assert sorted(names.all()) == sorted(NAMES)
    assert (len(names.train), len(names.val), len(names.test)) == (540, 60, 200)
    assert {name.split("_")[0] for name in names.train + names.val} == {"train"}
    assert {name.split("_")[0] for name in names.test} == {"test"}
    for part, share in ((names.train, 135), (names.val, 15), (names.test, 50)):
        assert Counter(map(group_of, part)) == dict.fromkeys("ADGN", share)
    assert names.val[:15] == tuple(f"train_{number}_A" for number in range(136, 151))


def test_the_order_of_the_names_means_nothing() -> None:
    assert official(NAMES[::-1]) == official(sorted(NAMES)) == official(NAMES)


def test_folds_have_their_share_of_every_disease() -> None:
    members = [Member(name, group=group_of(name)) for name in NAMES]
    assert Counter(map(group_of, fold_names(members, 5, 0).test)) == dict.fromkeys("ADGN", 40)


def test_files_belong_together(root) -> None:
    splits = Fives(root).splits()
    names = official(NAMES)
    assert [case.name for case in splits.test] == list(names.test)
    for case in (*splits.train[::50], *splits.val[::10], *splits.test[::20]):
        part, _, stem = case.name.partition("_")
        below = [path.relative_to(root).as_posix() for path in (case.image, case.label)]
        assert below == [f"{part}/Original/{stem}.png", f"{part}/Ground truth/{stem}.png"]
        assert (case.group, case.mask, case.second_label) == (stem[-1], None, None)
    assert read_label(case.label, (12, 12)).max() == 1


def test_the_wrapping_folder_of_the_archive(root, tmp_path) -> None:
    wrapped = tmp_path / "FIVES" / "FIVES A Fundus Image Dataset for AI-based Vessel Segmentation"
    wrapped.parent.mkdir()
    wrapped.symlink_to(root)
    for given in (tmp_path, tmp_path / "FIVES", wrapped):
        assert Fives(given).splits().train[0].image.parent == wrapped / "train" / "Original"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda root: (root / "train/Original/7_A.png").unlink(), "599 in"),
        (lambda root: (root / "test/Original/7_A.png").rename(root / "test/Original/eye7.png"), "such as eye7"),
        (lambda root: (root / "train/Ground truth/7_A.png").unlink(), "train/Ground truth/7_A.png"),
        (lambda root: shutil.rmtree(root / "test"), "test/Original/1_A.png"),
    ],
)
def test_a_set_that_is_not_whole(root, tmp_path, change, words) -> None:
    copy = shutil.copytree(root, tmp_path / "FIVES")
    change(copy)
    with pytest.raises(InputError) as raised:
        Fives(copy).splits()
    assert words in str(raised.value)


def test_nothing_there(tmp_path) -> None:
    with pytest.raises(InputError, match=r"train/Original/1_A\.png(.|\n)*figshare(.|\n)*contains/FIVES"):
        Fives(tmp_path).splits()


def test_unknown_split(tmp_path) -> None:
    with pytest.raises(InputError, match="did you mean 'official'"):
        Fives(tmp_path, "oficial")
