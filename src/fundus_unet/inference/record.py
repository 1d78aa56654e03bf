"""What is known of every image after a batch: one row each, kept on disk as the batch goes."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any

from fundus_unet.core.files import append_lines, csv_line, whole_file
from fundus_unet.core.plain_text import text_of_cell

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
            append_lines(self.path, [csv_line(list(vars(record).values()))])


def write_table(path: Path, records: Iterable[Record]) -> None:
    """One line per image; a whole file or none."""
    with whole_file(path) as file:
        file.write(f"{csv_line(COLUMNS)}\n".encode())
        for record in records:
            file.write(f"{csv_line(list(vars(record).values()))}\n".encode())


def record_of(text: str) -> Record | None:
    """The row of a table or a journal that `text` is; None where it is another's, or was cut off."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return None
    if len(rows) != 1 or len(rows[0]) != len(COLUMNS):
        return None
    return Record(**{key: _value(key, cell) for key, cell in zip(COLUMNS, rows[0], strict=True)})


def _value(key: str, cell: str) -> Any:
    if cell == "" or key in _TEXT:
        return text_of_cell(cell) or None
    try:
        return int(cell) if key in _WHOLE else float(cell)
    except ValueError:  # somebody has changed the table
        return None
