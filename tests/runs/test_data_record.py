"""What a run was trained on is known by content, and told where it is no longer the same."""

import json
import shutil
from pathlib import Path

import pytest

from data.layouts import draw, save, write_chasedb1
from fundus_unet.data.sets.chasedb1 import ChaseDB1
from fundus_unet.runs.data_record import data_record
from running import Scripts, contents, succeeded


@pytest.fixture
def trained(scripts: Scripts, kept: Path) -> Path:
    scripts.make_once(kept, lambda: succeeded(scripts.train("paths.run_dir=runs/trained")) and None)
    return scripts.folder / "runs/trained"


def evaluate(scripts: Scripts, run: Path, *overrides: str) -> tuple[str, dict]:
    finished = succeeded(scripts("evaluate", f"run_dir={run}", "paths.data_dir=sets", *overrides))
    scores = max((run / "evaluation").glob("*/metrics.json"), key=lambda path: path.stat().st_mtime_ns)
    return finished.out, json.loads(scores.read_text())


def test_one_digest_stands_for_what_was_learned_from(tmp_path: Path) -> None:
    root = write_chasedb1(tmp_path / "a")
    first = data_record(ChaseDB1(root).splits())
    assert len(first["sha256"]) == 64
    shutil.copytree(root, tmp_path / "b")
    assert data_record(ChaseDB1(tmp_path / "b").splits()) == first
    save(tmp_path / "b/Image_12L.jpg", draw(999)[0])  # of test
    assert data_record(ChaseDB1(tmp_path / "b").splits())["sha256"] == first["sha256"]
    save(tmp_path / "b/Image_02L_1stHO.png", draw(999)[1] > 0)
    assert data_record(ChaseDB1(tmp_path / "b").splits())["sha256"] != first["sha256"]
    assert data_record(ChaseDB1(root, "fraz8").splits())["sha256"] != first["sha256"]


def test_a_run_keeps_the_record(scripts: Scripts, trained: Path) -> None:
    record = json.loads((trained / "data.json").read_text())
    now = data_record(ChaseDB1(scripts.folder / "sets/CHASE_DB1").splits())
    assert {key: record[key] for key in now} == now
    assert record["test"]["Image_11L"].keys() == {"image", "label", "second_label"}


def test_evaluation_says_which_files_changed(scripts: Scripts, trained: Path) -> None:
    out, metrics = evaluate(scripts, trained)
    assert "changed since" not in out
    assert metrics["remarks"] == []
    before = contents(trained / "evaluation/test")
    save(scripts.folder / "sets/CHASE_DB1/Image_11L_1stHO.png", draw(999)[1] > 0)
    save(scripts.folder / "sets/CHASE_DB1/Image_13R_2ndHO.png", draw(999)[1] > 0)
    out, metrics = evaluate(scripts, trained)
    changed = "the label of Image_11L is another; the second label of Image_13R is another"
    assert f"the data changed since the run was trained: {changed}" in out
    assert changed in metrics["remarks"][0]
    assert contents(trained / "evaluation/test") == before
    assert (trained / "evaluation/test_changed_data/metrics.json").exists()
    assert "changed since" not in evaluate(scripts, trained, "split=val")[0]


def test_evaluation_on_another_set_says_which_images_were_learned_from(scripts: Scripts, trained: Path) -> None:
    for number, name in enumerate(("Image_01L", "Image_09R", "Image_12L"), 1):
        for kind, suffix in (("images", ".jpg"), ("labels", "_1stHO.png")):
            target = scripts.folder / "mine/test" / kind / f"eye{number}{suffix[-4:]}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(scripts.folder / "sets/CHASE_DB1" / f"{name}{suffix}", target)
    shutil.copytree(scripts.folder / "mine/test", scripts.folder / "mine/train")
    for path in (scripts.folder / "mine/train").rglob("*.*"):
        path.rename(path.with_stem(f"other_{path.stem}"))
    out, metrics = evaluate(scripts, trained, "data=folder", f"data.source.root={scripts.folder / 'mine'}")
    assert "2 of 3 images are among those that the run was trained on or chosen by" in out
    assert metrics["remarks"][0].endswith("eye1; eye2")


@pytest.mark.parametrize("record", ["5", '{"train": 5}', '{"test": {"Image_11L": 7}, "train": {}, "val": {}}'])
def test_a_damaged_record_does_not_hinder_evaluation(scripts: Scripts, trained: Path, record: str) -> None:
    (trained / "data.json").write_text(record)
    assert "data.json is damaged" in evaluate(scripts, trained)[0]


def test_a_run_without_a_record_is_evaluated_as_before(scripts: Scripts, trained: Path) -> None:
    (trained / "data.json").unlink()
    assert evaluate(scripts, trained)[1]["remarks"] == []


def test_a_resumed_run_says_that_its_test_images_changed(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    from fundus_unet.training.segmenter import VesselSegmenter

    original = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 10:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    assert scripts.train("paths.run_dir=runs/stopped").code == 130
    monkeypatch.setattr(VesselSegmenter, "training_step", original)
    save(scripts.folder / "sets/CHASE_DB1/Image_11L_1stHO.png", draw(999)[1] > 0)
    before = contents(scripts.folder / "sets")
    finished = succeeded(scripts("train", "resume=runs/stopped"))
    assert "the test images changed since the run began: the label of Image_11L is another" in finished.out
    assert contents(scripts.folder / "sets") == before


def test_faults_of_the_data_stay_with_the_scores(scripts: Scripts) -> None:
    path = scripts.folder / "sets/CHASE_DB1/Image_11L.jpg"
    shutil.copy(path.with_name("Image_01L.jpg"), path)  # learned from and tested
    finished = succeeded(scripts.train("paths.run_dir=runs/faulty", "data_check=warn"))
    assert "trained although the check of the data found what is wrong" in finished.out
    _, metrics = evaluate(scripts, scripts.folder / "runs/faulty")
    assert metrics["remarks"][0].startswith("trained although")
    assert "the same pixels under 2 names: Image_01L (train), Image_11L (test)" in metrics["remarks"][0]
    assert "Image_11L" in metrics["remarks"][1]
