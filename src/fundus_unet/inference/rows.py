"""The rows that a folder of predictions has on disk: in a table, and in journals that are not in it yet."""

import io
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Generic

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import open_regular
from fundus_unet.core.line_index import Line, LineIndex
from fundus_unet.inference.manifest import check_own_file, own_files
from fundus_unet.inference.record import ERROR, OK, PREDICTIONS, SKIPPED, WARNING, Row, Table, record_of

TABLE = PREDICTIONS.name
EARLIER_HEADERS = (
    "image,status,width,height,field_of_view,fov_diameter,scale,vessel_fraction,vessel_length,threshold,seconds,message",
)
_LONGEST = 2**16
"""Bytes of a row."""
_STATUSES = (OK, WARNING, SKIPPED, ERROR)


class Rows(Generic[Row]):
    """The newest row of every image. They stay on the disk: in memory is where they are, and their status.

    Raises:
        InputError: For another file of one of the names, which must not be overwritten, or a table of an earlier
            version.
    """

    def __init__(self, folder: Path, table: Table[Row]) -> None:
        self._table = table
        self._files = [folder / table.name, *_journals(folder, table)]
        self._index = LineIndex()
        self._open: dict[int, io.BufferedReader] = {}
        for number, path in enumerate(self._files):
            for start, record in _table_rows(path, table) if number == 0 else _journal_rows(path, table):
                image, status = getattr(record, "image", None), getattr(record, "status", OK)
                if image:
                    known = status in _STATUSES  # a user may have written something else
                    self._index.add(image, Line(number, start, _STATUSES.index(status) if known else 0))

    def __bool__(self) -> bool:
        return len(self._index) > 0

    def status(self, image: str) -> str | None:
        """None where the image has no row."""
        lines = self._index.of(image)
        return _STATUSES[lines[-1].note] if lines else None

    def record(self, image: str) -> Row | None:
        """The row itself; while `reading`."""
        lines = self._index.of(image)
        return self._record(lines[-1]) if lines else None

    def of_others(self, images: Iterable[str]) -> Iterator[Row]:
        """The rows of all images but these; while `reading`."""
        for line in self._index.newest_of_others(images):
            record = self._record(line)
            if record is not None:
                yield record

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep the files open for many rows."""
        with ExitStack() as opened:
            there = {number: path for number, path in enumerate(self._files) if path.exists()}
            self._open = {number: opened.enter_context(open_regular(path)) for number, path in there.items()}
            try:
                yield
            finally:
                self._open = {}

    def _record(self, line: Line) -> Row | None:
        file = self._open[line.file]
        file.seek(line.start)
        return record_of(_whole_row(file, file.readline()).decode(errors="replace"), self._table)


def remove_journals(folder: Path, table: Table[Any]) -> None:
    """Remove the rows that are in the table now."""
    for path in _journals(folder, table):
        path.unlink(missing_ok=True)


def _journals(folder: Path, table: Table[Any]) -> list[Path]:
    return own_files(folder, rf"{re.escape(table.journal)}\d+\.csv")


def _journal_rows(path: Path, table: Table[Row]) -> Iterator[tuple[int, Row]]:
    """Rows of one process, and where they begin; one that an interruption cut off is left out."""
    start, found, first = 0, 0, ""
    with open_regular(path) as file:
        for line in file:
            text = line.decode(errors="replace")
            record = record_of(text, table) if text.endswith("\n") else None
            if record is not None:
                yield start, record
            found += record is not None
            first = first or text * text.endswith("\n")
            start += len(line)
    if first and not found:
        raise _foreign(path, "rows of predictions", first)


def _table_rows(path: Path, table: Table[Row]) -> Iterator[tuple[int, Row]]:
    """Rows of known columns, and where they begin; others are left out."""
    check_own_file(path)
    if not os.path.lexists(path):
        return
    with open_regular(path) as file:
        begin = file.readline(_LONGEST)
        header = begin.decode(errors="replace").rstrip("\r\n")
        if header in EARLIER_HEADERS:
            raise InputError(
                f"{path} has the columns of an earlier version, and rows of both would not go together",
                fix="choose another out_dir, or move the folder elsewhere",
            )
        if header != ",".join(table.columns):
            raise _foreign(path, f"a first line {','.join(table.columns)}", header)
        start = len(begin)
        for line in file:
            row = _whole_row(file, line)
            record = record_of(row.decode(errors="replace"), table)
            if record is not None:
                yield start, record
            start += len(row)


def _whole_row(file: io.BufferedReader, line: bytes) -> bytes:
    """A row of a table of an earlier version may have line feeds in quotes."""
    while line.count(b'"') % 2 and len(line) < _LONGEST and (more := next(file, b"")):
        line += more
    return line


def _foreign(path: Path, expected: str, got: str) -> InputError:
    return InputError(
        f"{path} is no table of predictions; it was not changed",
        expected=expected,
        got=got[:60],
        fix="move it elsewhere, or choose another out_dir",
    )
