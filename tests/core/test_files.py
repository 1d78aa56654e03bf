"""An interruption leaves the old file whole."""

import csv
import json
from pathlib import Path

import pytest

from fundus_unet.core.files import write_bytes, write_csv, write_json, write_text

WRITERS = {
    "bytes": lambda path: write_bytes(path, b"new"),
    "text": lambda path: write_text(path, "new"),
    "json": lambda path: write_json(path, {"new": 1}),
    "csv": lambda path: write_csv(path, [{"new": 1}]),
}
every_writer = pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)


def visible(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


@every_writer
def test_interrupted_before_the_rename(write, tmp_path, monkeypatch):
    path = tmp_path / "result"
    path.write_text("old and longer than the new one")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(path)
    monkeypatch.undo()
    assert path.read_text() == "old and longer than the new one"
    write(path)
    assert "new" in path.read_text()
    assert "old" not in path.read_text()


@every_writer
def test_interrupted_while_writing(write, tmp_path, monkeypatch):
    path, write_whole = tmp_path / "result", Path.write_bytes

    def write_half(self: Path, data: bytes):
        write_whole(self, data[: len(data) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(OSError, match="No space left"):
        write(path)
    assert visible(tmp_path) == []


@every_writer
def test_makes_the_folder_and_leaves_one_file(write, tmp_path):
    write(tmp_path / "a" / "b" / "result")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["result"]


def test_text_is_utf8(tmp_path):
    write_text(tmp_path / "text", "584 × 565\n")
    assert (tmp_path / "text").read_bytes() == b"584 \xc3\x97 565\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()], ids=["nan", "inf", "object"])
def test_json_that_others_cannot_read_is_refused(tmp_path, value):
    path = tmp_path / "scores.json"
    write_json(path, {"dice": 0.8})
    with pytest.raises((ValueError, TypeError)):
        write_json(path, {"dice": value})
    assert json.loads(path.read_text()) == {"dice": 0.8}


def test_csv_columns_are_the_union(tmp_path):
    write_csv(tmp_path / "rows.csv", [{"name": "a,b", "dice": 0.5}, {"name": 'c"d', "extra": 1}])
    assert (tmp_path / "rows.csv").read_text() == 'name,dice,extra\n"a,b",0.5,\n"c""d",,1\n'
    with (tmp_path / "rows.csv").open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == ["a,b", 'c"d']
