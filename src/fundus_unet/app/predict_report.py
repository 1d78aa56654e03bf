"""What a prediction tells its user: the bar, a line for everything that went wrong, and the table at the end."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_json
from fundus_unet.inference.inputs import Source
from fundus_unet.inference.record import (
    ERROR,
    SKIPPED,
    WARNING,
    Journal,
    Record,
    read_journals,
    read_table,
    remove_journals,
    write_table,
)

TABLE = "predictions.csv"
SETTINGS = "settings.json"


class Report:
    """One process's share of the telling; the first process writes the table.

    Rows are kept on disk as they come, so that a batch that is cut off can be continued.
    """

    def __init__(self, folder: Path, sources: Iterable[Source], rank: int, processes: int) -> None:
        self.folder = folder
        self.sources = list(sources)
        self.rank = rank
        self.processes = processes
        self.journal = Journal(folder, rank)
        self.console = Console(soft_wrap=True, highlight=False)
        self._bar: Progress | None = None
        self._lock = Lock()
        self._unwritten: list[Record] = []

    def open(self, identity: dict[str, Any], overwrite: bool) -> None:
        """Make the folder, and take in what an interrupted batch left.

        Raises: `InputError` where it cannot be written, or holds predictions made with other settings.
        """
        path = self.folder / SETTINGS
        before = _read_settings(path)
        differing = [key for key in identity if before is not None and before.get(key) != identity[key]]
        if before is not None and differing and not overwrite:
            told = ", ".join(f"{key}: {before.get(key)} before, {identity[key]} now" for key in differing)
            raise InputError(
                f"{self.folder} holds predictions made with other settings",
                expected="the same settings, so that what is there can be kept",
                got=told,
                fix="choose another out_dir, or set overwrite=true",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._merge()
            write_json(path, identity)
        except OSError as error:
            raise InputError(
                f"the outputs' folder {self.folder} cannot be written: {error.strerror or error}",
                fix="choose another out_dir",
            ) from error

    @contextmanager
    def progress(self, photographs: int) -> Iterator[None]:
        """A bar of this process's photographs, in the first process."""
        share = f" (process 1 of {self.processes})" if self.processes > 1 else ""
        columns = (
            TextColumn(f"predicting{share}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, disable=self.rank > 0) as bar:
            self._bar, self._task = bar, bar.add_task("", total=photographs)
            yield
        self._bar = None

    def add(self, record: Record) -> None:
        """Keep a row, and tell what is wrong with it; called from any thread."""
        with self._lock:
            try:
                self.journal.add(record)
            except OSError:  # the table at the end may find room
                self._unwritten.append(record)
            if record.status in (ERROR, WARNING):
                colour = "red" if record.status == ERROR else "yellow"
                line = Text.assemble((record.status, colour), f"  {record.image}: {record.message}")
                self.console.print(line, soft_wrap=True)
            if self._bar:
                self._bar.advance(self._task)

    def close(self, have_outputs: Callable[[Source], bool], interrupted: bool = False) -> int:
        """Write the table and say what came out; returns the number of photographs that failed."""
        wanted = [str(source.path) for source in self.sources]
        there = [str(source.path) for source in self.sources if have_outputs(source)]
        try:
            records = {record.image: record for record in self._merge(there)}
        except OSError as error:
            self.console.print(f"the table {self.folder / TABLE} cannot be written: {error.strerror or error}")
            records = {record.image: record for record in [*read_journals(self.folder), *self._unwritten]}
        found = [records[image] for image in wanted if image in records]
        counts = Counter(record.status for record in found)
        done = len(found) - counts[ERROR]
        if interrupted:
            self.console.print(f"interrupted: {done} of {len(wanted)} are done; the same command goes on")
        self.console.print(
            f"{done} of {len(wanted)} photographs have their maps, {counts[WARNING]} of them with a warning; "
            f"{counts[ERROR]} failed\noutputs   {self.folder}\ntable     {self.folder / TABLE}",
            markup=False,
        )
        return counts[ERROR]

    def _merge(self, there: Iterable[str] = ()) -> list[Record]:
        """Bring the table up to date: rows in the order of the sources, a new row in place of an old one.

        Args: `there` are images whose outputs exist; they get a row where theirs was lost.
        """
        new = {record.image: record for record in [*read_journals(self.folder), *self._unwritten]}
        old = {record.image: record for record in read_table(self.folder / TABLE)}
        lost = {image: Record(image, SKIPPED) for image in there}
        records = list((lost | old | new).values())
        order = {str(source.path): position for position, source in enumerate(self.sources)}
        records.sort(key=lambda record: order.get(record.image, -1))
        if records:
            write_table(self.folder / TABLE, records)
        remove_journals(self.folder)
        return records


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} images/s" if task.speed else "")


def _read_settings(path: Path) -> dict[str, Any] | None:
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
