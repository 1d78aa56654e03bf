"""A comparison over the folds of a cross-validation, from the command line to the report."""

import csv
import json
from pathlib import Path

import pytest

from fundus_unet.runs.run_directory import RunDirectory
from running import TINY, Finished, Scripts, refused

VARIANTS = "upsamplers=[transposed_k4s2p1,bilinear_conv]"
OUT = Path("runs/comparison")


def compare(scripts: Scripts, *overrides: str) -> Finished:
    return scripts(
        "compare_accuracy", "data=chasedb1", "paths.data_dir=sets", *TINY, "trainer.max_epochs=1", *overrides
    )


@pytest.fixture
def cross_validated(scripts: Scripts, kept: Path) -> Scripts:
    """A finished comparison in three folds."""

    def make() -> None:
        finished = compare(scripts, VARIANTS, "seeds=[0]", "folds=3")
        assert finished.code == 0, finished.err

    scripts.make_once(kept, make)
    return scripts


def test_a_cross_validation_scores_every_image_once(cross_validated: Scripts) -> None:
    found = json.loads((cross_validated.folder / OUT / "accuracy.json").read_text())
    names = [f"Image_{child:02d}{eye}" for child in range(1, 15) for eye in "LR"]
    assert found["protocol"]["images"] == names
    fold_of = found["protocol"]["fold_of"]
    assert all(fold_of[name] == fold_of[name[:-1] + "R"] for name in names)
    with (cross_validated.folder / OUT / "accuracy_per_image.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["rater"] == "network at 0.5"]
    assert sorted(row["name"] for row in rows) == sorted(names * 2)
    for fold in range(3):
        run = RunDirectory(cross_validated.folder / OUT / "runs" / f"bilinear_conv_seed0_fold{fold}")
        tested = {name for name in names if fold_of[name] == fold}
        assert json.loads((run.path / "evaluation/test/metrics.json").read_text())["images"] == sorted(tested)
        learned = json.loads((run.path / "data.json").read_text())
        assert not tested & (learned["train"].keys() | learned["val"].keys())
        assert f"data.fold={fold}" in run.overrides
    difference = found["differences"]["network at 0.5"]["dice"]["bilinear_conv"]
    assert (difference["seeds"], difference["folds"], difference["images"]) == (1, 3, 28)
    assert difference["interval"] is not None
    assert "Cross-validation in 3 folds" in (cross_validated.folder / OUT / "accuracy.md").read_text()
    assert found["second_observer"]["over_images"]["dice"]["images"] == 28


def test_the_report_predicts_with_the_network_that_did_not_learn_from_the_image(cross_validated: Scripts) -> None:
    finished = cross_validated("report", "paths.data_dir=sets", "images=[Image_01L,Image_14R]")
    assert finished.code == 0, finished.err
    page = (cross_validated.folder / OUT / "report.html").read_text()
    assert "Image_01L" in page
    assert "Image_14R" in page
    assert "left out" not in finished.out
    assert "data.fold=2" in page


def test_a_cross_validation_without_a_fold_is_reported(cross_validated: Scripts) -> None:
    runs = cross_validated.folder / OUT / "runs"
    found = [str(path) for path in sorted(runs.iterdir()) if path.name != "bilinear_conv_seed0_fold1"]
    finished = cross_validated("compare_accuracy", f"run_dirs=[{','.join(found)}]", "out_dir=other")
    assert finished.code == 1
    assert "lacks fold 1" in finished.out
    both = cross_validated("compare_accuracy", f"run_dirs=[{found[0]}]", "folds=3")
    refused(both, "leave one of the two out")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("folds=15", "14"),
        ("folds=1", "folds"),
        ("final_split=val", "final_split=test"),
        ("data.folds=3", "folds=NUMBER"),
    ],
)
def test_folds_that_cannot_be_are_refused_before_training(scripts: Scripts, override: str, words: str) -> None:
    refused(compare(scripts, VARIANTS, "folds=3", override), words)
    assert not (scripts.folder / OUT / "runs").exists()
