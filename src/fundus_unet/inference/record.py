"""What is known of every image after a batch: one row each, kept on disk as the batch goes."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

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
        `threshold` is the least probability in the mask: of hysteresis, its `low`.
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


Row = TypeVar("Row")


@dataclass(frozen=True)
class Table(Generic[Row]):
    """A table of one row per image, and the journals that keep its rows until it is written.

    Args:
        name: Of the file.
        journal: How names of its journals begin; the number of a process follows.
        row: The dataclass of a row, `image` first. A column is of numbers unless `text` names it, of whole ones where
            `whole` does.
    """

    name: str
    journal: str
    row: type[Row]
    text: tuple[str, ...]
    whole: tuple[str, ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in fields(self.row))  # type: ignore[arg-type]  # of any dataclass


PREDICTIONS = Table(
    "predictions.csv", ".journal_", Record, ("image", "status", "field_of_view", "message"), ("width", "height")
)
COLUMNS = PREDICTIONS.columns


class Journal(Generic[Row]):
    """Rows written as soon as an image is done, by any thread. Every process has its own file."""

    def __init__(self, folder: Path, rank: int, table: Table[Row]) -> None:
        self.path = folder / f"{table.journal}{rank}.csv"
        self._lock = Lock()

    def add(self, record: Row) -> None:
        """Raise `OSError` where it cannot be written."""
        with self._lock:
            append_lines(self.path, [csv_line(list(vars(record).values()))])


def write_table(folder: Path, table: Table[Row], records: Iterable[Row]) -> None:
    """One line per image; a whole file or none."""
    with whole_file(folder / table.name) as file:
        file.write(f"{csv_line(table.columns)}\n".encode())
        for record in records:
            file.write(f"{csv_line(list(vars(record).values()))}\n".encode())


def record_of(text: str, table: Table[Row]) -> Row | None:
    """The row of a table or a journal that `text` is; None where it is another's, or was cut off."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return None
    if len(rows) != 1 or len(rows[0]) != len(table.columns):
        return None
    return table.row(**{key: _value(key, cell, table) for key, cell in zip(table.columns, rows[0], strict=True)})


def _value(key: str, cell: str, table: Table[Any]) -> Any:
    if cell == "" or key in table.text:
        return text_of_cell(cell) or None
    try:
        return int(cell) if key in table.whole else float(cell)
    except ValueError:  # somebody has changed the table
        return None
