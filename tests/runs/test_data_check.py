"""The check of the data before a training: what stops it, what is only told, and that it is done once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.layouts import draw, save
from fundus_unet.data.case import Case
from fundus_unet.data.sets.chasedb1 import ChaseDB1
from fundus_unet.data.sets.hrf import HRF
from fundus_unet.data.sets.mixture import MixedSet, Mixture
from fundus_unet.data.sets.synthetic import Synthetic
from fundus_unet.runs import data_check
from fundus_unet.runs.data_check import CHECKS, known_fraction
from fundus_unet.runs.prepared_training import PreparedTraining
from running import TINY, contents, refused, succeeded

LABEL = "sets/CHASE_DB1/Image_02L_1stHO.png"


def mirror(path: Path) -> None:
    save(path, np.fliplr(np.asarray(Image.open(path))))


@pytest.fixture
def checked(monkeypatch) -> list[int]:
    """The number of cases of every check that was made rather than found."""
    sizes = []
    whole = data_check.check_data_set

    def counted(source, splits, console):
        sizes.append(len(splits.train) + len(splits.val) + len(splits.test))
        return whole(source, splits, console)

    monkeypatch.setattr(data_check, "check_data_set", counted)
    return sizes


@pytest.fixture
def untrained(monkeypatch) -> list[Path]:
    """The run directories of trainings that end where they would begin: the check has been made by then."""
    begun = []
    monkeypatch.setattr(PreparedTraining, "run", lambda self, run, *_: begun.append(run.path))
    return begun


def test_a_fault_stops_the_training_before_anything_is_written(scripts) -> None:
    mirror(scripts.folder / LABEL)
    before = contents(scripts.folder)
    finished = scripts.train()
    refused(
        finished, "a fault with which training would be wrong", "Image_02L is mirrored left to right", "data_check=warn"
    )
    assert contents(scripts.folder) == before


def test_warn_trains_nevertheless_and_says_so(scripts) -> None:
    mirror(scripts.folder / LABEL)
    finished = succeeded(scripts.train("data_check=warn", "trainer.max_epochs=1"))
    assert "error in the data: the label of Image_02L is mirrored" in finished.out


@pytest.mark.parametrize("how", ["error", "warn", "off"])
def test_every_file_that_cannot_be_used_is_told_once_with_what_to_do(scripts, how) -> None:
    folder = scripts.folder / "sets/CHASE_DB1"
    image = folder / "Image_01R.jpg"
    image.write_bytes(image.read_bytes()[:-300])  # its header is whole
    (folder / "Image_03L_1stHO.png").write_bytes(b"")
    save(folder / "Image_13L_1stHO.png", np.zeros((90, 96), np.uint8))
    finished = scripts.train(f"data_check={how}")
    refused(finished, "3 files of the data set cannot be used; nothing was trained")
    for name, fix in (("01R.jpg", "copy or download"), ("03L_1stHO.png", "copy or"), ("13L_1stHO.png", "replace the")):
        [line] = [line for line in (finished.out + finished.err).splitlines() if name in line]
        assert f"): {fix}" in line
    assert "data_check=warn" not in finished.err


def test_a_file_that_cannot_be_used_is_listed_among_other_faults(scripts) -> None:
    mirror(scripts.folder / LABEL)
    (scripts.folder / "sets/CHASE_DB1/Image_01R.jpg").write_bytes(b"nothing")
    finished = scripts.train()
    refused(finished, "2 faults with which training would be wrong", "Image_02L is mirrored", "Image_01R.jpg")
    assert "trains nevertheless" not in finished.err
    refused(scripts.train("data_check=warn"), "Image_01R.jpg", "nothing was trained")


def test_off_checks_nothing(scripts, checked) -> None:
    mirror(scripts.folder / LABEL)
    finished = succeeded(scripts.train("data_check=off", "trainer.max_epochs=1"))
    assert checked == []
    assert "in the data" not in finished.out
    assert not (scripts.folder / "runs" / CHECKS).exists()


def test_the_same_content_is_checked_once_and_a_changed_pixel_again(scripts, checked, untrained) -> None:
    first = succeeded(scripts.train("trainer.max_epochs=1"))
    assert "in the data" not in first.out
    succeeded(scripts.train("trainer.max_epochs=1", "upsampler=bilinear_conv"))
    assert checked == [28]
    moved = scripts.folder / "sets/CHASE_DB1"
    (scripts.folder / "elsewhere").mkdir()
    moved.rename(scripts.folder / "elsewhere/CHASE_DB1")
    succeeded(scripts.train("trainer.max_epochs=1", "paths.data_dir=elsewhere"))
    assert checked == [28]  # it is the content that counts
    path = scripts.folder / "elsewhere/CHASE_DB1/Image_12L_1stHO.png"
    label = np.array(Image.open(path))
    label[45, 48] ^= True
    save(path, label)
    succeeded(scripts.train("trainer.max_epochs=1", "paths.data_dir=elsewhere"))
    assert checked == [28, 28]
    assert len(list((scripts.folder / "runs" / CHECKS).iterdir())) == 2
    succeeded(scripts.train("trainer.max_epochs=1", "paths.data_dir=elsewhere", "data.folds=7"))
    assert checked == [28, 28, 28]  # other images are tested
    assert len(set(untrained)) == 5


def test_a_fault_that_was_let_pass_is_told_and_stops_again(scripts, checked, untrained) -> None:
    mirror(scripts.folder / LABEL)
    for _ in range(2):
        finished = succeeded(scripts.train("data_check=warn", "trainer.max_epochs=1"))
        assert "Image_02L is mirrored" in finished.out
    refused(scripts.train(), "Image_02L is mirrored")
    assert checked == [28]
    assert len(untrained) == 2


@pytest.mark.parametrize("content", [b"", b"{", b'{"findings": [1]}', b'{"findings": [{"severity": "fine"}]}', b"[]"])
def test_a_damaged_result_is_made_again(scripts, checked, untrained, content) -> None:
    mirror(scripts.folder / LABEL)
    succeeded(scripts.train("data_check=warn", "trainer.max_epochs=1"))
    [kept] = (scripts.folder / "runs" / CHECKS).iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(content)
    succeeded(scripts.train("data_check=warn", "trainer.max_epochs=1", "seed=1"))
    assert checked == [28, 28]
    assert len(untrained) == 2
    assert kept.read_bytes() == whole


def test_a_result_that_cannot_be_kept_stops_nothing(scripts) -> None:
    (scripts.folder / "runs").mkdir()
    (scripts.folder / "runs" / CHECKS).write_text("a file where the folder would be")
    succeeded(scripts.train("trainer.max_epochs=1"))


def test_last_passes_over_what_is_kept(scripts) -> None:
    succeeded(scripts.train())
    assert (scripts.folder / "runs" / CHECKS).is_dir()
    succeeded(scripts("evaluate", "run_dir=last", "split=val"))


def test_only_the_first_warnings_are_told(scripts) -> None:
    for name in ("03L", "03R", "04L", "04R"):
        label = np.zeros((90, 96), bool)
        label[45, 20:60] = label[30:60, 48] = True
        save(scripts.folder / f"sets/CHASE_DB1/Image_{name}_1stHO.png", label)
    finished = scripts.train("data_check=warn", "trainer.max_epochs=1")
    told = [line for line in succeeded(finished).out.splitlines() if "in the data: " in line]
    assert 2 <= len(told) <= 6
    assert "more; all are listed by" in finished.out


def test_the_range_of_vessel_fractions_is_the_sets_own() -> None:
    chase, hrf = ChaseDB1("a"), HRF("b")
    mixed = Mixture({"a": MixedSet(chase), "a_b": MixedSet(hrf), "c": MixedSet(Synthetic("d"))})
    ranges = [known_fraction(mixed)(Case(name, Path())) for name in ("a_1", "a_b_1", "c_1")]
    assert ranges == [chase.vessel_fraction, hrf.vessel_fraction, None]
    assert known_fraction(chase)(Case("x", Path())) == chase.vessel_fraction


def test_a_folder_of_the_users_is_checked_for_copies(scripts) -> None:
    for number in range(8):
        photo, label, _, _ = draw(number)
        save(scripts.folder / f"mine/train/images/eye{number}.png", photo)
        save(scripts.folder / f"mine/train/labels/eye{number}.png", label)
    photo, label, _, _ = draw(3)
    save(scripts.folder / "mine/test/images/other.png", np.fliplr(photo))
    save(scripts.folder / "mine/test/labels/other.png", np.fliplr(label))
    refused(scripts("train", "data=folder", "data.source.root=mine", *TINY), "eye3", "other (test, mirrored)")
