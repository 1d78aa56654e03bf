"""What is known of every photograph after a batch: one row each, kept on disk as the batch goes."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_csv

OK, WARNING, SKIPPED, ERROR = "ok", "warning", "skipped", "error"


@dataclass(frozen=True)
class Record:
    """One photograph's row.

    Units: `width`, `height`, `fov_diameter` and `vessel_length` in original pixels; `scale` in working pixels per
    original pixel; `vessel_fraction` of the field of view. `field_of_view` is `found`, or `whole frame` where the
    photograph has no visible border. `skipped` is a photograph whose outputs were there already and whose row is lost.
    """

    image: str
    status: str
    width: int | None = None
    height: int | None = None
    field_of_view: str | None = None
    fov_diameter: float | None = None
    scale: float | None = None
    vessel_fraction: float | None = None
    vessel_length: float | None = None
    threshold: float | None = None
    seconds: float | None = None
    message: str | None = None


COLUMNS = tuple(field.name for field in fields(Record))
_TEXT = ("image", "status", "field_of_view", "message")
_WHOLE = ("width", "height")


class Journal:
    """Rows written as soon as a photograph is done, by any thread. Every process has its own file."""

    def __init__(self, folder: Path, rank: int) -> None:
        self.path = folder / f".journal_{rank}.csv"
        self._lock = Lock()

    def add(self, record: Record) -> None:
        """Raises: `OSError` where it cannot be written."""
        with self._lock, self.path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS).writerow(asdict(record))


def read_journals(folder: Path) -> list[Record]:
    return [record for path in sorted(folder.glob(".journal_*.csv")) for record in _read(path)]


def remove_journals(folder: Path) -> None:
    for path in folder.glob(".journal_*.csv"):
        path.unlink(missing_ok=True)


def read_table(path: Path) -> list[Record]:
    """The rows of a table that `write_table` wrote; none where there is no such file.

    Raises: `InputError` for another file of that name, which must not be overwritten.
    """
    if not path.is_file():
        return []
    first = path.read_bytes().split(b"\n", 1)[0].rstrip(b"\r")
    if first != ",".join(COLUMNS).encode():
        raise InputError(
            f"{path} is no table of predictions; it was not changed",
            expected=f"a first line {','.join(COLUMNS)}",
            got=first[:60],
            fix="move it elsewhere, or choose another out_dir",
        )
    return _read(path)[1:]


def write_table(path: Path, records: Iterable[Record]) -> None:
    write_csv(path, [asdict(record) for record in records])


def _read(path: Path) -> list[Record]:
    """Rows of known columns; one that an interruption cut off is left out."""
    records = []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        for row in csv.reader(file):
            if len(row) == len(COLUMNS):
                records.append(Record(**{key: _value(key, text) for key, text in zip(COLUMNS, row, strict=True)}))
    return records


def _value(key: str, text: str) -> Any:
    if text == "" or key in _TEXT:
        return text or None
    try:
        return int(text) if key in _WHOLE else float(text)
    except ValueError:  # the table's header
        return None
