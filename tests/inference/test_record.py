"""Rows on disk come back as they were, and no other file is taken for a table."""

import os
from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.inference.record import COLUMNS, ERROR, OK, PREDICTIONS, Journal, Record, write_table
from fundus_unet.inference.rows import EARLIER_HEADERS, TABLE, Rows, remove_journals

NAMES = ("a.png", "a\rb.png", "a\nb,c.png", "=1+1.png", "'a.png", "\udcff.png", "\x1b[2J.png", 'a"b.png', "\\x0a.png")
RECORDS = [Record(name, OK, width=3, height=2, scale=0.5, seconds=1.25, message="-odd; =1") for name in NAMES] + [
    Record("z.png", ERROR, message="gone")
]


def rows(folder: Path) -> list[Record]:
    found = Rows(folder, PREDICTIONS)
    with found.reading():
        return list(found.of_others([]))


def test_a_table_comes_back(tmp_path: Path) -> None:
    write_table(tmp_path, PREDICTIONS, RECORDS)
    assert rows(tmp_path) == RECORDS
    assert len((tmp_path / TABLE).read_bytes().splitlines()) == 1 + len(RECORDS)


def test_journals_come_back(tmp_path: Path) -> None:
    for number, record in enumerate(RECORDS):
        Journal(tmp_path, number % 2, PREDICTIONS).add(record)
    with (tmp_path / ".journal_0.csv").open("a") as file:
        file.write('"cut o')
    Journal(tmp_path, 0, PREDICTIONS).add(RECORDS[0])
    with (tmp_path / ".journal_1.csv").open("a") as file:
        file.write("cut" + "," * (len(COLUMNS) - 1))  # whole but for the end of its message
    assert sorted(rows(tmp_path), key=str) == sorted(RECORDS, key=str)
    remove_journals(tmp_path, PREDICTIONS)
    assert not list(tmp_path.iterdir())


def test_a_table_from_before_names_were_escaped(tmp_path: Path) -> None:
    path = tmp_path / TABLE
    path.write_text(",".join(COLUMNS) + '\r\n"a\nb.png",ok' + "," * (len(COLUMNS) - 2) + "\r\n", newline="")
    assert rows(tmp_path) == [Record("a\nb.png", OK)]


def test_a_table_of_an_earlier_version_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / TABLE
    path.write_text(f"{EARLIER_HEADERS[0]}\na.png,ok,3,2,found,2.0,1.0,0.1,5.0,0.5,1.2,\n")
    before = path.read_bytes()
    with pytest.raises(InputError, match="the columns of an earlier version"):
        rows(tmp_path)
    assert path.read_bytes() == before


def test_rows_of_an_earlier_version_are_not_taken_for_rows_of_this_one(tmp_path: Path) -> None:
    (tmp_path / ".journal_0.csv").write_text("a.png,ok,3,2,found,2.0,1.0,0.1,5.0,0.5,1.2,\n")
    with pytest.raises(InputError, match="no table of predictions"):
        rows(tmp_path)


def test_files_of_a_user_are_no_journals(tmp_path: Path) -> None:
    (tmp_path / ".journal_of_mine.csv").write_text("mine\n")
    assert rows(tmp_path) == []
    remove_journals(tmp_path, PREDICTIONS)
    assert (tmp_path / ".journal_of_mine.csv").exists()
    (tmp_path / ".journal_7.csv").write_text("day,mood\n1,good\n")
    with pytest.raises(InputError, match="no table of predictions"):
        rows(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "link", "dangling", "folder"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / TABLE, tmp_path / "target"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        if kind == "dangling":
            path.symlink_to(target)
        else:
            write_table(tmp_path, PREDICTIONS, RECORDS)
            path.replace(target)
            path.symlink_to(target)
    with pytest.raises(InputError, match="was not made by predict"):
        rows(tmp_path)
    path.rename(tmp_path / ".journal_0.csv")
    with pytest.raises(InputError, match="was not made by predict"):
        rows(tmp_path)
