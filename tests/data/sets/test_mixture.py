"""Several sets as one: who is in which split under which name, at which size, and what is left out."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from data.layouts import SIZE, write_chasedb1, write_drive, write_folder, write_hrf
from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore, decode
from fundus_unet.data.sets.chasedb1 import ChaseDB1
from fundus_unet.data.sets.drive import Drive
from fundus_unet.data.sets.folder import Folder
from fundus_unet.data.sets.hrf import HRF
from fundus_unet.data.sets.mixture import MixedSet, Mixture


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    root = tmp_path_factory.mktemp("sets")
    write_chasedb1(root / "CHASE_DB1")
    write_hrf(root / "HRF", test=False)
    write_drive(root / "DRIVE", size=(24, 24), test_labels=False)
    write_folder(root / "mine", count=4)
    return root


def names(cases):
    return [case.name for case in cases]


def renamed(name: str, case: Case) -> Case:
    subject = case.subject and f"{name}_{case.subject}"
    return replace(case, name=f"{name}_{case.name}", subject=subject, group=name)


def test_the_splits_are_joined_in_the_order_of_the_sets(sets):
    chasedb1, mine = ChaseDB1(sets / "CHASE_DB1"), Folder(sets / "mine")
    mixed = Mixture({"mine": MixedSet(mine), "left_out": None, "chase": MixedSet(chasedb1)}).splits()
    for split in ("train", "val", "test"):
        originals = [("mine", case) for case in getattr(mine.splits(), split)]
        originals += [("chase", case) for case in getattr(chasedb1.splits(), split)]
        assert getattr(mixed, split) == tuple(renamed(name, case) for name, case in originals)
    assert names(mixed.train)[-1] == "chase_Image_08R"
    assert mixed.test_reason is None


def test_of_a_set_to_train_on_alone_no_image_is_chosen_or_scored_by(sets):
    chasedb1, mine = ChaseDB1(sets / "CHASE_DB1"), Folder(sets / "mine")
    mixed = Mixture({"chase": MixedSet(chasedb1), "mine": MixedSet(mine, train_only=True)}).splits()
    own, beside = chasedb1.splits(), mine.splits()
    added = names(mixed.train)[len(own.train) :]
    assert added == [f"mine_{case.name}" for case in beside.train]
    assert all(case.train_only == (case.name in added) for case in mixed.train)
    assert names(mixed.val) == [f"chase_{case.name}" for case in own.val]
    assert names(mixed.test) == [f"chase_{case.name}" for case in own.test]


def test_missing_test_labels_of_a_set_to_train_on_alone_are_not_told(sets):
    drive = MixedSet(Drive(sets / "DRIVE"), train_only=True)
    assert Mixture({"chase": MixedSet(ChaseDB1(sets / "CHASE_DB1")), "drive": drive}).splits().test_reason is None


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_train_only_is_true_or_false(sets, value):
    with pytest.raises(InputError, match=r"(?s)data\.source\.sets\.mine\.train_only.*true or false"):
        Mixture({"mine": MixedSet(Folder(sets / "mine"), train_only=value)})


def test_every_set_is_worked_on_at_its_own_size(sets):
    own = {"small": MixedSet(ChaseDB1(sets / "CHASE_DB1"), 40), "large": MixedSet(HRF(sets / "HRF"), 120.5)}
    mixed = Mixture(own | {"as_the_run": MixedSet(Folder(sets / "mine"))}).splits()
    run = Preprocessor(scale=0.5)
    samples = {case.name.rpartition("_")[0]: decode(case, run) for case in mixed.train}
    small, large, as_the_run = (samples[name] for name in ("small_Image", "large_04", "as_the_run"))
    for sample, diameter in ((small, 40), (large, 120.5)):
        rows = np.flatnonzero(sample.working.field_of_view.any(axis=1))
        assert rows[-1] - rows[0] + 1 == pytest.approx(diameter, abs=1.5)
        assert sample.working_label.shape == sample.working.image.shape[:2]
        assert sample.label.shape == SIZE
    assert as_the_run.working.image.shape[:2] == (SIZE[0] // 2, SIZE[1] // 2)
    stored = ImageStore(mixed.train[-1:] + mixed.train[:1], run, memory_limit_gb=0)
    stored.load()
    assert [one.working.image.shape[0] for one in stored] == [45, small.working.image.shape[0]]


def test_sets_without_labelled_test_images_do_not_spoil_the_others(sets):
    drive, hrf = MixedSet(Drive(sets / "DRIVE")), MixedSet(HRF(sets / "HRF"))
    mixed = Mixture({"d": drive, "chase": MixedSet(ChaseDB1(sets / "CHASE_DB1")), "h": hrf}).splits()
    assert names(mixed.test) == [f"chase_Image_{child}{eye}" for child in range(11, 15) for eye in "LR"]
    assert {name.split("_")[0] for name in names(mixed.train)} == {"d", "chase", "h"}
    assert mixed.test_reason.startswith("d: DRIVE: the test images have no labels")
    assert "; h: HRF: none of the 30 test images" in mixed.test_reason
    assert "chase" not in mixed.test_reason
    neither = Mixture({"d": drive, "h": hrf}).splits()
    assert (neither.test, neither.test_reason) == ((), mixed.test_reason)


@pytest.mark.parametrize(("kept", "labelled"), [(0, 0), (2, 0), (2, 1)])
def test_a_set_that_gives_no_reason_is_named_too(sets, kept, labelled):
    whole = ChaseDB1(sets / "CHASE_DB1").splits()
    test = tuple(replace(case, label=case.label if n < labelled else None) for n, case in enumerate(whole.test[:kept]))
    source = SimpleNamespace(splits=lambda: Splits(whole.train, whole.val, test))
    mixed = Mixture({"some": MixedSet(source)}).splits()
    assert names(mixed.test) == [f"some_{case.name}" for case in test[:labelled]]
    assert mixed.test_reason == f"some: {labelled} of {kept} test images have labels"


def test_no_image_is_learned_from_and_tested_under_two_names(sets):
    both = {split: MixedSet(ChaseDB1(sets / "CHASE_DB1", split)) for split in ("first20", "fraz8")}
    with pytest.raises(InputError, match="in two sets") as error:
        Mixture(both).splits()
    assert "first20_Image_01L and fraz8_Image_01L" in str(error.value)


@pytest.mark.parametrize("given", [None, {}, {"hrf": None}])
def test_no_sets(given):
    with pytest.raises(InputError, match="no data sets"):
        Mixture(given)


@pytest.mark.parametrize("name", ["", "a/b", "a\\b", "a:b", "../a"])
def test_a_name_that_makes_no_file_name(name):
    with pytest.raises(InputError, match="cannot be called"):
        Mixture({name: MixedSet(Folder("mine"))})


@pytest.mark.parametrize("diameter", [0, -1.0, float("nan"), "512"])
def test_a_diameter_not_above_0(diameter):
    with pytest.raises(InputError, match=r"data\.source\.sets\.mine\.fov_diameter"):
        Mixture({"mine": MixedSet(Folder("mine"), diameter)})


@pytest.mark.parametrize("given", [MixedSet("mine"), Folder("mine"), {"source": Folder("mine")}])
def test_an_object_without_splits_or_without_its_wrapper(given):
    with pytest.raises(InputError, match=r"data\.source\.sets\.mine is no data set"):
        Mixture({"mine": given})
