"""An interruption leaves the old file whole."""

import csv
import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fundus_unet.core.files import (
    append_lines,
    read_bytes,
    read_csv,
    remove_partial_files,
    write_bytes,
    write_csv,
    write_json,
    write_text,
)
from fundus_unet.core.left_over import DAY, mark

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
    path = tmp_path / "result"

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write(path)
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


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


def test_a_link_is_replaced_and_what_it_points_to_is_kept(tmp_path):
    (tmp_path / "original").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "original")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "original").read_text() == "kept"
    assert (tmp_path / "link").read_text() == "new"


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("n" * 251 + ".png")
    write_bytes(path, b"new", durable=False)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_the_leavings_of_the_dead_are_removed_and_those_of_the_living_kept(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here = mark().partition("-")[0]
    gone = {f".{here}-{dead.pid}-0.part", f".89abcdef-{dead.pid}-1.part"}
    kept = {f".{mark()}-0.part", f".89abcdef-{dead.pid}-0.part", ".notes.part"}
    for name in gone | kept:
        (tmp_path / name).touch()
    yesterday = time.time() - 1.01 * DAY
    os.utime(tmp_path / f".89abcdef-{dead.pid}-1.part", (yesterday, yesterday))
    remove_partial_files(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == kept, "of another machine only what is old is gone"


def test_only_regular_files_within_the_limit_are_read(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "endless").symlink_to("/dev/zero")
    assert read_bytes(tmp_path / "link", 5) == b"12345"
    for name, words in (("file", "larger than 4"), ("pipe", "a pipe"), ("endless", "a device"), (".", "a folder")):
        with pytest.raises(OSError, match=words):
            read_bytes(tmp_path / name, 4)


def test_a_table_has_one_line_per_row_and_no_formula(tmp_path):
    rows = [
        {"name": name, "change": -0.5} for name in ("a\rb", "a\nb", '=HYPERLINK("x")', "-", "'", "\udcff", "\x1b[2J")
    ]
    write_csv(tmp_path / "rows.csv", rows)
    lines = (tmp_path / "rows.csv").read_bytes().decode().splitlines()
    assert len(lines) == 1 + len(rows)
    assert lines[3] == """"'=HYPERLINK(""x"")",-0.5"""
    assert read_csv(tmp_path / "rows.csv") == [{"name": row["name"], "change": "-0.5"} for row in rows]


def test_lines_are_added_to_a_file_that_was_cut_off(tmp_path):
    path = tmp_path / "new" / "lines"
    append_lines(path, ["one", "two"])
    with path.open("a") as file:
        file.write("cut o")
    append_lines(path, ["three"], durable=True)
    assert path.read_text() == "one\ntwo\ncut o\nthree\n"


def test_lines_are_added_to_no_link(tmp_path):
    (tmp_path / "original").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "original")
    with pytest.raises(OSError, match="link"):
        append_lines(tmp_path / "link", ["new"])
    assert (tmp_path / "original").read_text() == "kept"


def test_a_file_that_grows_while_it_is_read(tmp_path, monkeypatch):
    """Its size was told before; what is read is bounded all the same."""
    path = tmp_path / "file"
    path.write_bytes(bytes(100))
    fstat = os.fstat

    def small(descriptor: int) -> os.stat_result:
        status = list(fstat(descriptor))
        status[6] = 10
        return os.stat_result(status)

    monkeypatch.setattr(os, "fstat", small)
    assert len(read_bytes(path, 100)) == 100
    with pytest.raises(OSError, match="larger than 99"):
        read_bytes(path, 99)
