"""`scripts/benchmark_inference.py`: the files it leaves, and what it refuses."""

import csv
import importlib.util
import json

import pytest

from fundus_unet.comparison.inference.backends import REFERENCE
from fundus_unet.comparison.speed import roofline
from running import Scripts, refused, succeeded

SMALL = ("sizes=[32,48]", "rounds=1", "min_seconds=0.001", "memory=false", "threads=1", "device=cpu")
SOME = "backends=['folded bfloat16','openvino int8']"


@pytest.fixture(autouse=True)
def _small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "LARGEST", 512)


def test_the_files_hold_every_backend_and_size(scripts: Scripts) -> None:
    data = ("data=chasedb1", "paths.data_dir=sets", "calibration_images=1")
    run = scripts.tiny_run()  # its images stay as small as they are
    finished = succeeded(scripts("benchmark_inference", *SMALL, SOME, f"run_dir={run}", "tile=null", *data))
    folder = scripts.folder / "runs/benchmark"
    result = json.loads((folder / "inference.json").read_text())
    names = [REFERENCE, "folded bfloat16", "openvino int8"]
    assert [(row["size"], row["backend"]) for row in result["rows"]] == [
        (size, name) for size in (32, 48) for name in names
    ]
    assert (result["kind"], result["complete"], result["backends"]) == ("inference", True, names)
    assert result["settings"]["model"] == "tiny"
    # at full resolution two blocks, of 3 to 4 and of 8 to 4 channels, and the head; the rest below
    assert result["flops_per_pixel"] > 2 * (9 * 4 * (3 + 4 + 8 + 4) + 4)
    assert all(row["speedup"] == 1 for row in result["rows"] if row["backend"] == REFERENCE)
    assert [row["backend"] for row in result["accuracy"]] == names
    assert result["accuracy"][0]["images"] == 4
    if importlib.util.find_spec("openvino") is None:
        row = result["rows"][2]
        assert (row["status"], row["median_seconds"]) == ("failed", None)
        assert "openvino int8: not installed: openvino" in finished.out
    with (folder / "inference.csv").open() as file:
        assert [line["backend"] for line in csv.DictReader(file)] == 2 * names
    text = (folder / "inference.md").read_text()
    assert "## Nanoseconds per pixel, by the side of the image" in text
    assert "| backend | 32 | 48 |" in text
    assert "48 x 48 pixels, cpu" in finished.out


def test_int8_says_what_it_needs(scripts: Scripts) -> None:
    finished = succeeded(scripts("benchmark_inference", *SMALL, SOME, "sizes=[32]"))
    assert "openvino int8: " in finished.out
    assert "Dice" not in finished.out


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("backends=[folded]", ["no backend 'folded'", "folded float32"]),
        ("sizes=[]", ["sizes"]),
        ("sizes=[64,64]", ["only once"]),
        ("rounds=0", ["rounds"]),
        ("tile=8", ["tile"]),
        ("weights=nothing", ["no weights called 'nothing'"]),
        ("run_dir=nowhere", ["nowhere"]),
        ("data=chasedb1", ["CHASE_DB1"]),
    ],
)
def test_bad_input_is_told_before_anything_is_measured(scripts: Scripts, override: str, words: list[str]) -> None:
    refused(scripts("benchmark_inference", *SMALL, override), *words)
    assert not (scripts.folder / "runs").exists()
