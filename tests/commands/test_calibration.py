"""Calibration from the command line: the files that evaluation leaves, and what it prints."""

import csv
import json
from pathlib import Path

import pytest
from PIL import Image

from running import Scripts, contents, succeeded

COLUMNS = ["low", "high", "pixels", "mean_probability", "vessel_fraction", "error"]


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "calibration.csv").open() as file:
        return list(csv.DictReader(file))


def test_training_and_evaluation_leave_table_and_diagram(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    folder = run / "evaluation/test"
    metrics = json.loads((folder / "metrics.json").read_text())
    rows, inside = rows_of(folder), metrics["field_of_view"]["network at 0.5"]
    assert list(rows[0]) == COLUMNS
    assert len(rows) == 15
    filled = [row for row in rows if int(row["pixels"])]
    errors = [abs(float(row["error"])) * int(row["pixels"]) for row in filled]
    total = sum(int(row["pixels"]) for row in rows)
    assert sum(errors) / total == pytest.approx(inside["pooled"]["ece"], abs=2e-6)
    assert all(row["error"] == row["mean_probability"] == "" for row in rows if row not in filled)
    near = inside["near_threshold"]
    assert near["pixels"] == int(rows[7]["pixels"])
    width, height = Image.open(folder / "calibration.png").size
    assert 500 < width < height < 1000
    assert "ece" not in metrics["field_of_view"]["second observer"]["pooled"]
    assert inside["over_images"]["ece"]["images"] == 8

    (folder / "calibration.csv").write_text("old")
    (folder / "mine.txt").write_text("mine")
    others = contents(run / "evaluation")
    out = succeeded(scripts("evaluate", f"run_dir={run}")).out
    assert rows_of(folder) == rows
    assert f"Calibration: ECE {inside['pooled']['ece']:.4f}" in out
    assert str(Path("runs/tiny/evaluation/test/calibration.png")) in out
    now = contents(run / "evaluation")
    changed = {name for name in others.keys() | now.keys() if others.get(name) != now.get(name)}
    assert changed == {"test/calibration.csv"}


def test_another_split_leaves_the_first_ones_calibration(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    before = contents(run / "evaluation/test")
    succeeded(scripts("evaluate", f"run_dir={run}", "split=val"))
    assert contents(run / "evaluation/test") == before
    assert rows_of(run / "evaluation/val") != rows_of(run / "evaluation/test")
