"""What is known of every image after a batch: one row each, kept on disk as the batch goes."""

import csv
import io
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import LARGEST_TABLE, append_lines, csv_line, read_bytes, write_csv
from fundus_unet.core.plain_text import text_of_cell
from fundus_unet.inference.manifest import check_own_file, own_files

OK, WARNING, SKIPPED, ERROR = "ok", "warning", "skipped", "error"


@dataclass(frozen=True)
class Record:
    """One image's row.

    Units:
        `width`, `height`, `fov_diameter` and `vessel_length_px`, that of the centrelines, in original pixels;
        `vessel_length_per_fov_diameter` compares images of different sizes; `scale` in working pixels per original
        pixel; `vessel_fraction` of the field of view; `seconds` of reading, network and writing, without waiting.
        `field_of_view` is `found`, or `whole frame` where the image has no visible border. `skipped` is an image
        whose outputs were there already and whose row is lost.
    """

    image: str
    status: str
    width: int | None = None
    height: int | None = None
    field_of_view: str | None = None
    fov_diameter: float | None = None
    scale: float | None = None
    vessel_fraction: float | None = None
    vessel_length_px: float | None = None
    vessel_length_per_fov_diameter: float | None = None
    threshold: float | None = None
    seconds: float | None = None
    message: str | None = None


COLUMNS = tuple(field.name for field in fields(Record))
EARLIER_HEADERS = (
    "image,status,width,height,field_of_view,fov_diameter,scale,vessel_fraction,vessel_length,threshold,seconds,message",
)
_TEXT = ("image", "status", "field_of_view", "message")
_WHOLE = ("width", "height")


class Journal:
    """Rows written as soon as an image is done, by any thread. Every process has its own file."""

    def __init__(self, folder: Path, rank: int) -> None:
        self.path = folder / f".journal_{rank}.csv"
        self._lock = Lock()

    def add(self, record: Record) -> None:
        """Raise `OSError` where it cannot be written."""
        with self._lock:
            append_lines(self.path, [csv_line(list(asdict(record).values()))])


def read_journals(folder: Path) -> list[Record]:
    """Rows of all processes; one that an interruption cut off is left out.

    Raises:
        InputError: For another file of such a name.
    """
    records = []
    for path in _journals(folder):
        lines = read_bytes(path, LARGEST_TABLE).decode(errors="replace").split("\n")[:-1]
        found = [record for line in lines for record in _records(line)]
        if lines and not found:
            raise _foreign(path, "rows of predictions", lines[0])
        records += found
    return records


def remove_journals(folder: Path) -> None:
    """Remove the rows that are in the table now."""
    for path in _journals(folder):
        path.unlink(missing_ok=True)


def _journals(folder: Path) -> list[Path]:
    return own_files(folder, r"\.journal_\d+\.csv")


def read_table(path: Path) -> list[Record]:
    """The rows of a table that `write_table` wrote; none where there is no such file.

    Raises:
        InputError: For another file of that name, which must not be overwritten, or a table of an earlier version.
    """
    check_own_file(path)
    if not os.path.lexists(path):
        return []
    text = read_bytes(path, LARGEST_TABLE).decode(errors="replace")
    header, _, rows = text.partition("\n")
    if header.rstrip("\r") in EARLIER_HEADERS:
        raise InputError(
            f"{path} has the columns of an earlier version, and rows of both would not go together",
            fix="choose another out_dir, or move the folder elsewhere",
        )
    if header.rstrip("\r") != ",".join(COLUMNS):
        raise _foreign(path, f"a first line {','.join(COLUMNS)}", header)
    return _records(rows)


def _foreign(path: Path, expected: str, got: str) -> InputError:
    return InputError(
        f"{path} is no table of predictions; it was not changed",
        expected=expected,
        got=got[:60],
        fix="move it elsewhere, or choose another out_dir",
    )


def write_table(path: Path, records: Iterable[Record]) -> None:
    """One line per image; a whole file or none."""
    write_csv(path, [asdict(record) for record in records])


def _records(text: str) -> list[Record]:
    """Rows of known columns; others are left out."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if len(row) == len(COLUMNS)]
    except csv.Error:
        return []
    return [Record(**{key: _value(key, cell) for key, cell in zip(COLUMNS, row, strict=True)}) for row in rows]


def _value(key: str, cell: str) -> Any:
    if cell == "" or key in _TEXT:
        return text_of_cell(cell) or None
    try:
        return int(cell) if key in _WHOLE else float(cell)
    except ValueError:  # somebody has changed the table
        return None
