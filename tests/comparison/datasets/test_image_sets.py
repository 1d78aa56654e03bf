"""Which images every network may be scored on."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from data.layouts import write_folder
from fundus_unet.comparison.datasets.image_sets import ImageSet, column_of
from fundus_unet.comparison.datasets.networks import Network
from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Splits
from fundus_unet.data.sets.folder import Folder

FOLDER = frozenset({"fundus_unet.data.sets.folder.Folder"})


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    """Six images, of which `eye1` and `eye2` show one person."""
    cases = Folder(write_folder(tmp_path_factory.mktemp("eyes"), count=6)).splits()
    found = {case.name: case for case in (*cases.train, *cases.val, *cases.test)}
    eyes = [replace(found[f"eye{number}"], subject="a" if number < 3 else None) for number in range(1, 7)]
    return ImageSet.of("eyes", Splits(tuple(eyes[:2]), tuple(eyes[2:3]), tuple(eyes[3:])), FOLDER, {})


def network(name: str, learned: frozenset[str] | None, sources: frozenset[str] | None = None) -> Network:
    return Network(name, SimpleNamespace(), 512.0, learned, sources)  # type: ignore[arg-type]


def names(images: ImageSet, *numbers: int) -> frozenset[str]:
    return frozenset(images.digests[f"eye{number}"] for number in numbers)


def scored(column) -> list[str]:
    return [case.name for case in column.cases]


def test_what_one_network_learned_no_other_is_scored_on(images: ImageSet) -> None:
    column = column_of(images, [network("one", names(images, 3)), network("two", names(images, 3, 5))], "unseen")
    assert scored(column) == ["eye1", "eye2", "eye4", "eye6"]
    assert column.left_out == {"eye3": ("one", "two"), "eye5": ("two",)}
    assert column.own == {"one", "two"}
    assert not column.spoilt
    assert not column.doubtful


def test_the_other_eye_of_a_person_is_left_out(images: ImageSet) -> None:
    column = column_of(images, [network("one", names(images, 2))], "unseen")
    assert scored(column) == ["eye3", "eye4", "eye5", "eye6"]


def test_a_network_that_learned_from_a_test_image_is_not_scored_and_the_others_are(images: ImageSet) -> None:
    learners = [network("one", names(images, 1)), network("two", names(images, 4, 5)), network("three", frozenset())]
    column = column_of(images, learners, "test")
    assert scored(column) == ["eye4", "eye5", "eye6"]
    assert column.spoilt == {"two": 2}
    assert column.own == {"one", "two"}


def test_a_network_without_a_record_is_believed_the_usual_split_of_the_sets_that_it_names(images: ImageSet) -> None:
    column = column_of(images, [network("weights", None, FOLDER)], "unseen")
    assert scored(column) == ["eye4", "eye5", "eye6"]
    assert column.doubtful == {"weights"}
    elsewhere = column_of(images, [network("weights", None, frozenset({"another"}))], "unseen")
    assert len(elsewhere.cases) == 6
    assert not elsewhere.doubtful


def test_a_network_of_unknown_sets_is_doubted_everywhere(images: ImageSet) -> None:
    column = column_of(images, [network("weights", None, None)], "unseen")
    assert len(column.cases) == 6
    assert column.doubtful == {"weights"}
    assert not column.own


def test_a_network_that_began_with_weights_without_a_record_is_doubted_where_these_are(images: ImageSet) -> None:
    descended = replace(network("run", names(images, 5)), unrecorded=True)
    column = column_of(images, [descended], "unseen")
    assert scored(column) == ["eye1", "eye2", "eye3", "eye4", "eye6"]
    assert column.doubtful == {"run"}
    column = column_of(images, [replace(descended, supposed_sources=FOLDER)], "unseen")
    assert scored(column) == ["eye4", "eye6"]
    assert column.doubtful == {"run"}
    elsewhere = replace(descended, supposed_sources=frozenset({"another"}))
    assert not column_of(images, [elsewhere], "unseen").doubtful


def test_a_set_without_an_image_left_or_a_label_is_refused(images: ImageSet) -> None:
    with pytest.raises(InputError, match="no image of eyes is left to score: one learned from all 6 images") as told:
        column_of(images, [network("one", frozenset(images.digests.values()))], "unseen")
    assert "images=test" not in str(told.value)  # it learned from those too
    both = [network("one", names(images, 1, 2, 3, 4)), network("two", names(images, 3, 5, 6))]
    with pytest.raises(InputError, match=r"together these networks learned from all 6 images \(one from") as told:
        column_of(images, both, "unseen")
    assert "images=test" not in str(told.value)
    both = [network("one", names(images, 1, 2, 3)), network("two", names(images, 4, 5, 6))]
    with pytest.raises(InputError, match=r"leave one out, or score each set's own test split: images=test"):
        column_of(images, both, "unseen")
    untested = replace(images, splits=dict.fromkeys(images.splits, "train"), test_reason="the labels are elsewhere")
    with pytest.raises(InputError, match="the labels are elsewhere"):
        column_of(untested, [network("one", frozenset())], "test")
    unlabelled = [replace(case, label=None) for case in images.cases]
    with pytest.raises(InputError, match="has no labelled image"):
        ImageSet.of("eyes", Splits((), (), tuple(unlabelled)), FOLDER, {})


def test_a_missing_file_is_named(images: ImageSet, tmp_path: Path) -> None:
    case = replace(images.cases[0], label=tmp_path / "gone.png")
    with pytest.raises(InputError, match=r"gone\.png"):
        ImageSet.of("eyes", Splits((case,), (), ()), FOLDER, {})
