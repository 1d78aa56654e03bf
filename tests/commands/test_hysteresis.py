"""Masks by hysteresis, from the choice in training to the maps of predict; and runs of before, which chose none."""

import csv
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from data.layouts import write_folder
from fundus_unet.comparison.accuracy.scored_runs import scores_left
from running import Finished, Scripts, refused, succeeded

RATER = "network with hysteresis"
OWN = ("hysteresis.low=0.3", "hysteresis.high=0.6", "hysteresis.least_length=0.05")


@pytest.fixture
def run(scripts: Scripts) -> Path:
    return scripts.tiny_run()


@pytest.fixture
def chosen(run: Path) -> dict[str, float]:
    return json.loads((run / "threshold.json").read_text())["hysteresis"]


@pytest.fixture
def old_run(run: Path, chosen: dict[str, float]) -> Path:
    """As a version left it that chose a threshold alone."""
    kept = json.loads((run / "threshold.json").read_text())
    del kept["hysteresis"]
    (run / "threshold.json").write_text(json.dumps(kept))
    path = run / "evaluation/test/metrics.json"
    metrics = json.loads(path.read_text())
    del metrics["validation_hysteresis"], metrics["field_of_view"][RATER], metrics["whole_image"][RATER]
    path.write_text(json.dumps(metrics))
    table = path.with_name("per_image.csv")
    lines = [line for line in table.read_text().splitlines(keepends=True) if RATER not in line]
    table.write_text("".join(lines))
    return run


def predict(scripts: Scripts, *overrides: str) -> Finished:
    images = f"images='{scripts.folder}/sets/CHASE_DB1/Image_1[1-4]?.jpg'"
    options = ("out_dir=out", "outputs=[mask]", "precision=32-true", "device=cpu", "mask=hysteresis")
    return scripts("predict", images, *options, *overrides)


def dice_of_masks(scripts: Scripts) -> float:
    found = labelled = both = 0
    for path in sorted((scripts.folder / "out/mask").iterdir()):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) > 0
        label = np.array(Image.open(scripts.folder / f"sets/CHASE_DB1/{path.stem}_1stHO.png").convert("L")) > 0
        found, labelled, both = found + mask.sum(), labelled + label.sum(), both + (mask & label).sum()
    return 2 * both / (found + labelled)


def scored(run: Path) -> dict:
    return json.loads((run / "evaluation/test/metrics.json").read_text())


def test_training_keeps_what_evaluation_scores_and_predict_draws(
    scripts: Scripts, run: Path, chosen: dict[str, float]
) -> None:
    assert chosen.keys() == {"low", "high", "least_length"}
    assert scored(run)["validation_hysteresis"] == chosen
    finished = succeeded(scripts("evaluate", f"run_dir={run}", "device=cpu"))
    assert "with hysteresis" in finished.out
    assert f"low {chosen['low']:.2f}, high {chosen['high']:.2f}" in finished.out
    succeeded(predict(scripts, f"run_dir={run}"))
    expected = scored(run)["whole_image"][RATER]["pooled"]["dice"]
    assert dice_of_masks(scripts) == pytest.approx(expected, abs=1e-6)
    settings = json.loads((scripts.folder / "out/settings.json").read_text())
    assert settings["hysteresis"] == chosen
    assert settings["threshold"] == chosen["low"]
    page = (scripts.folder / "out/index.html").read_text()
    assert f"{chosen['low']:.3g} to {chosen['high']:.3g}, pieces from" in page
    with (scripts.folder / "out/predictions.csv").open() as file:
        assert {float(row["threshold"]) for row in csv.DictReader(file)} == {chosen["low"]}


def test_an_exported_file_has_the_runs(scripts: Scripts, run: Path) -> None:
    succeeded(scripts("export", f"run_dir={run}", "path=one.safetensors"))
    succeeded(predict(scripts, "weights=one.safetensors"))
    of_file = {path.name: path.read_bytes() for path in (scripts.folder / "out/mask").iterdir()}
    shutil.rmtree(scripts.folder / "out")
    succeeded(predict(scripts, f"run_dir={run}"))
    assert of_file == {path.name: path.read_bytes() for path in (scripts.folder / "out/mask").iterdir()}


def test_an_exported_file_has_what_export_was_given(scripts: Scripts, run: Path, chosen: dict[str, float]) -> None:
    given = ("mask=hysteresis", "hysteresis.low=0.2", "threshold=0.55")
    succeeded(scripts("export", f"run_dir={run}", "path=one.safetensors", *given))
    succeeded(predict(scripts, "weights=one.safetensors", "mask=auto"))
    settings = json.loads((scripts.folder / "out/settings.json").read_text())
    assert settings["hysteresis"] == chosen | {"low": 0.2}
    succeeded(predict(scripts, "weights=one.safetensors", "mask=threshold", "out_dir=plain"))
    assert json.loads((scripts.folder / "plain/settings.json").read_text())["threshold"] == 0.55
    refused(scripts("export", f"run_dir={run}", "path=two.safetensors", "hysteresis.low=0.99"), "make no hysteresis")
    refused(scripts("export", f"run_dir={run}", "path=two.safetensors", "mask=hysteresys"), "hysteresis")
    assert not (scripts.folder / "two.safetensors").exists()


def test_a_runs_masks_are_plain_unless_values_of_hysteresis_are_set(scripts: Scripts, run: Path) -> None:
    for given, kinds in (((), False), (OWN, True)):
        succeeded(predict(scripts, f"run_dir={run}", "mask=auto", *given, f"out_dir=out{len(given)}"))
        settings = json.loads((scripts.folder / f"out{len(given)}/settings.json").read_text())
        assert ("hysteresis" in settings) == kinds


def test_values_can_be_set_one_by_one(scripts: Scripts, run: Path, chosen: dict[str, float]) -> None:
    succeeded(predict(scripts, f"run_dir={run}", "hysteresis.least_length=0.125"))
    settings = json.loads((scripts.folder / "out/settings.json").read_text())
    assert settings["hysteresis"] == chosen | {"least_length": 0.125}


def test_masks_of_two_kinds_are_not_mixed(scripts: Scripts, run: Path) -> None:
    succeeded(predict(scripts, f"run_dir={run}", *OWN))
    told = ["hysteresis: {'low': 0.3", "before, None now"]
    refused(predict(scripts, f"run_dir={run}", "mask=threshold", "threshold=0.3"), *told)
    refused(predict(scripts, f"run_dir={run}", *OWN, "hysteresis.high=0.7"), "'high': 0.7")
    assert "8 of 8 images have their maps" in succeeded(predict(scripts, f"run_dir={run}", *OWN)).out


class TestRunsOfBefore:
    """A threshold, and no hysteresis: everything goes on, and what is missing is told."""

    def test_predict_asks_for_values(self, scripts: Scripts, old_run: Path) -> None:
        told = ("tiny has no hysteresis of its own", "hysteresis.least_length=...", "mask=threshold")
        refused(predict(scripts, f"run_dir={old_run}"), *told)
        refused(predict(scripts, f"run_dir={old_run}", *OWN[:2]), "set hysteresis.least_length=...;")
        assert not (scripts.folder / "out").exists()
        succeeded(predict(scripts, f"run_dir={old_run}", *OWN))
        succeeded(predict(scripts, f"run_dir={old_run}", "mask=threshold", "out_dir=plain"))

    def test_evaluate_chooses_on_the_runs_validation_images(
        self, scripts: Scripts, chosen: dict[str, float], old_run: Path
    ) -> None:
        finished = succeeded(scripts("evaluate", f"run_dir={old_run}"))
        assert "with hysteresis" in finished.out
        assert scored(old_run)["validation_hysteresis"] == chosen
        assert "hysteresis" not in json.loads((old_run / "threshold.json").read_text())

    def test_evaluate_leaves_it_out_where_those_are_gone(self, scripts: Scripts, old_run: Path) -> None:
        """On another set, as somebody does who was given the run alone."""
        write_folder(scripts.folder / "eyes")
        shutil.rmtree(scripts.folder / "sets")
        (scripts.folder / "sets").mkdir()
        other = ("data=folder", "data.source.root=eyes", "paths.data_dir=sets")
        finished = succeeded(scripts("evaluate", f"run_dir={old_run}", *other))
        assert "with hysteresis" not in finished.out
        assert "network at 0.5" in finished.out

    def test_export_has_no_hysteresis(self, scripts: Scripts, old_run: Path) -> None:
        succeeded(scripts("export", f"run_dir={old_run}", "path=one.safetensors"))
        refused(predict(scripts, "weights=one.safetensors"), "one.safetensors has no hysteresis of its own")

    def test_scores_that_it_left_are_used(self, old_run: Path) -> None:
        left = scores_left(old_run / "evaluation/test")
        assert left is not None
        assert RATER not in left[0]["field_of_view"]
