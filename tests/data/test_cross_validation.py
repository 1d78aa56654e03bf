"""Cross-validation deals out names alone: no image is needed to know who is tested in which fold."""

import random
from collections import Counter
from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.cross_validation import Member, cross_validation, fold_names
from fundus_unet.data.sets import chasedb1, hrf

CHASE = [Member(name, chasedb1.subject_of(name)) for name in chasedb1.SPLITS["first20"].all()]
HRF = [Member(name, group=hrf.group_of(name)) for name in hrf.SPLITS["official"].all()]
SEVEN = [
    "Image_12L Image_12R Image_13L Image_13R",
    "Image_04L Image_04R Image_11L Image_11R",
]


def all_folds(members: list[Member], folds: int):
    return [fold_names(members, folds, fold) for fold in range(folds)]


@pytest.mark.parametrize(
    ("members", "folds"), [(CHASE, 2), (CHASE, 3), (CHASE, 7), (CHASE, 14), (HRF, 5), (HRF, 45), (HRF, 2)]
)
def test_every_image_is_tested_once_and_in_one_part_of_each_fold(members, folds) -> None:
    names = sorted(member.name for member in members)
    found = all_folds(members, folds)
    assert sorted(name for one in found for name in one.test) == names
    for one in found:
        assert sorted(one.all()) == names
        assert one.train
        assert one.val
        assert one.test


@pytest.mark.parametrize("folds", [2, 3, 5, 7, 14])
def test_both_eyes_of_a_child_are_in_one_part(folds) -> None:
    for one in all_folds(CHASE, folds):
        parts = [{chasedb1.subject_of(name) for name in names} for names in (one.train, one.val, one.test)]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 14


def test_chasedb1_in_seven_folds() -> None:
    found = all_folds(CHASE, 7)
    assert [(len(one.train), len(one.val), len(one.test)) for one in found] == [(20, 4, 4)] * 7
    assert [" ".join(one.test) for one in found[:2]] == SEVEN  # the same on every machine and in every version


@pytest.mark.parametrize("folds", [3, 5, 15])
def test_each_fold_has_its_share_of_every_group(folds) -> None:
    for one in all_folds(HRF, folds):
        assert set(Counter(map(hrf.group_of, one.test)).values()) == {15 // folds}
        shares = Counter(map(hrf.group_of, one.val)).values()
        assert max(shares) - min(shares) <= 1


def test_the_order_of_the_names_means_nothing() -> None:
    shuffled = random.Random(3).sample(CHASE, len(CHASE))
    assert all_folds(shuffled, 7) == all_folds(CHASE, 7)


def test_large_subjects_are_spread_and_a_subject_of_two_groups_stays_whole() -> None:
    one = [Member(f"a{i}", "a", "x" if i % 2 else "y") for i in range(6)]
    members = one + [Member(f"b{i}", group="x") for i in range(6)]
    found = all_folds(members, 2)
    assert [len(one.test) for one in found] == [6, 6]
    assert any({f"a{i}" for i in range(6)} <= set(one.test) for one in found)


@pytest.mark.parametrize(
    ("folds", "fold", "words"),
    [(1, 0, "from 2 to 14"), (15, 0, "14 persons"), (7, 7, "from 0 to 6"), (7, -1, "from 0 to 6"), (2.5, 0, "2.5")],
)
def test_folds_that_cannot_be_are_refused(folds, fold, words) -> None:
    with pytest.raises(InputError, match=words):
        fold_names(CHASE, folds, fold)


def test_two_persons_are_too_few() -> None:
    with pytest.raises(InputError, match="at least 3 persons"):
        fold_names(CHASE[:4], 2, 0)


def test_unlabelled_images_are_left_out() -> None:
    def case(name: str, label: bool = True) -> Case:
        return Case(name, Path(f"{name}.png"), Path(f"{name}_label.png") if label else None)

    splits = Splits(tuple(map(case, "abcd")), tuple(map(case, "ef")), (case("g", False),), test_reason="no labels")
    found = [cross_validation(splits, 3, fold) for fold in range(3)]
    assert sorted(case.name for one in found for case in one.test) == list("abcdef")
    assert {one.test_reason for one in found} == {"no labels"}


def test_images_to_train_on_alone_are_in_the_training_part_of_every_fold() -> None:
    def case(name: str, train_only: bool = False) -> Case:
        return Case(name, Path(f"{name}.png"), Path(f"{name}_label.png"), train_only=train_only)

    splits = Splits((*map(case, "abcd"), case("made", train_only=True)), tuple(map(case, "ef")), (case("g"),))
    without = Splits(tuple(map(case, "abcd")), splits.val, splits.test)
    for fold in range(3):
        found, expected = cross_validation(splits, 3, fold), cross_validation(without, 3, fold)
        assert found.train == (*expected.train, case("made", train_only=True))
        assert (found.val, found.test) == (expected.val, expected.test)
