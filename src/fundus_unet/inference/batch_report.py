"""What a prediction tells its user: the bar, a line for everything that went wrong, and the table at the end."""

import io
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from fundus_unet.core.duration import duration
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import remove_partial_files, write_json
from fundus_unet.core.lock import alone_in
from fundus_unet.core.plain_text import printable
from fundus_unet.inference.measures import CAUTION, MeasuresTable, check_measures_stay_true
from fundus_unet.inference.output_folder import SETTINGS, read_settings
from fundus_unet.inference.outputs import Outputs
from fundus_unet.inference.page import PAGE, Page, Selection
from fundus_unet.inference.record import ERROR, PREDICTIONS, SKIPPED, WARNING, Journal, Record, write_table
from fundus_unet.inference.rows import TABLE, Rows, remove_journals
from fundus_unet.inference.sources import Source, SourceList
from fundus_unet.inference.stage_rates import StageRates

SILENCE = 30.0
"""Seconds after which a pipe is told how far the batch is."""


MOST_LINES = 1000
"""Of errors and warnings; a million would be read by nobody, and take longer to show than to predict."""


class Report:
    """One process's share of the telling; the first process writes the table.

    Rows are kept on disk as they come, so that a batch that is cut off can be continued.

    Args:
        sources: Of all processes, for the first one; the others need none.
        page: Written with the table.
        measures: Likewise.
    """

    def __init__(
        self,
        folder: Path,
        sources: SourceList,
        rank: int,
        processes: int,
        page: Page | None = None,
        measures: MeasuresTable | None = None,
    ) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a name that the terminal's encoding lacks stops nobody
        self.folder = folder
        self.sources = sources
        self.rank = rank
        self.processes = processes
        self.page = page
        self.measures = measures
        self.journal = Journal(folder, rank, PREDICTIONS)
        self.console = Console(soft_wrap=True, highlight=False)
        self._bar: Progress | None = None
        self._lines = 0
        self._lock = Lock()
        self._unwritten: dict[str, Record] = {}
        self._rows: Rows[Record] | None = None
        self._finished: float | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder, and be the only one who predicts into it.

        Raises:
            InputError: Where it cannot be written, or another process predicts into it.
        """
        with ExitStack() as held:
            with self._writing():
                self.folder.mkdir(parents=True, exist_ok=True)
                # two would take each other's maps for files of the user's
                problem = f"another process is predicting into {self.folder}"
                held.enter_context(alone_in(self.folder, problem, "wait for its end, or choose another out_dir=..."))
            yield

    def open(self, identity: dict[str, Any], overwrite: bool, outputs: Outputs) -> None:
        """Take in what an interrupted batch left.

        Raises:
            InputError: Where the folder cannot be written, or holds predictions made with other settings, or a file
                of a name that it needs and that predict did not make.
        """
        with self._writing():
            before, self._rows = read_settings(self.folder / SETTINGS), Rows(self.folder, PREDICTIONS)
            _check_same_settings(self.folder, before, identity, overwrite)
            outputs.manifest.check()
            if self.page is not None:
                self.page.check()
            if self.measures is not None:
                self.measures.write(self.sources)
            else:
                check_measures_stay_true(self.folder, overwrite=overwrite)
            for folder in itertools.chain([self.folder], outputs.folders(source.name for source in self.sources)):
                remove_partial_files(folder)
            self._keep(self._rows, {})
            write_json(self.folder / SETTINGS, identity)

    def keep(self, index: int) -> None:
        """Have a row for a source whose outputs are there already, also where its own is lost."""
        image = self.sources.path(index)
        if self._rows is not None and self._rows.status(image) in (None, ERROR):
            self._add(Record(image, SKIPPED))

    def begin(self) -> None:
        """Hold no more of the rows in memory: all is known that is kept."""
        self._rows = None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"the outputs' folder {self.folder} cannot be written: {error.strerror or error}",
                got=error.filename,
                fix="choose another out_dir, change its permissions, or make room on its disk",
            ) from error

    @contextmanager
    def progress(self, images: int) -> Iterator[None]:
        """A bar of this process's images, in the first process; in a pipe a line now and then."""
        share = f" (process 1 of {self.processes})" if self.processes > 1 else ""
        columns = (
            TextColumn(f"predicting{share}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
        )
        self._images, self._done = images, 0
        self._started = self._told = time.monotonic()
        with Progress(*columns, console=self.console, disable=self.rank > 0 or not self.console.is_terminal) as bar:
            self._bar, self._task = bar, bar.add_task("", total=images)
            yield
        self._bar, self._finished = None, time.monotonic()

    def add(self, record: Record) -> None:
        """Keep a row, and tell what is wrong with it; called from any thread."""
        with self._lock:
            self._add(record)
            if record.status in (ERROR, WARNING) and self._lines <= MOST_LINES:
                self._lines += 1
                colour = "red" if record.status == ERROR else "yellow"
                line = Text.assemble((record.status, colour), f"  {printable(record.image)}: {record.message}")
                self.console.print(line if self._lines <= MOST_LINES else "more are in the table", soft_wrap=True)
            if self._bar:
                self._bar.advance(self._task)
                self._tell_pace()

    def _add(self, record: Record) -> None:
        try:
            self.journal.add(record)
        except OSError:  # the table at the end may find room
            self._unwritten[record.image] = record

    def _tell_pace(self) -> None:
        self._done += 1
        now = time.monotonic()
        if self.rank > 0 or self.console.is_terminal or now - self._told < SILENCE or self._done == self._images:
            return
        self._told, pace = now, (now - self._started) / self._done
        left = duration(pace * (self._images - self._done))
        share = f" (process 1 of {self.processes})" if self.processes > 1 else ""
        self.console.print(f"{self._done} of {self._images} images{share}, {1 / pace:.2f} images/s, about {left} left")

    def close(
        self, is_done: Callable[[Source], bool], interrupted: bool = False, rates: StageRates | None = None
    ) -> bool:
        """Write the table and say what came out; returns whether every image has its maps and its row.

        Args:
            is_done: Whether a source's outputs are there; asked for those whose row was lost, unless interrupted.
            rates: Those of this process's stages, told where it had several images.
        """
        written, rows, new = True, None, dict(self._unwritten)
        counts: Counter[str | None] = Counter()
        selection = None if self.page is None else Selection()
        try:
            rows = Rows(self.folder, PREDICTIONS)
            for index, image in enumerate(self.sources.paths()):
                status = new[image].status if image in new else rows.status(image)
                if status is None and not interrupted and is_done(self.sources[index]):
                    new[image], status = Record(image, SKIPPED), SKIPPED
                counts[status] += 1
            if self.measures is not None:
                self.measures.write(self.sources, others_go_on=interrupted and self.processes > 1)
            self._keep(rows, new, selection, interrupted and self.processes > 1)
        except OSError as error:
            written = False
            path = error.filename or self.folder / TABLE
            reason = printable(f"the table {path} cannot be written: {error.strerror or error}")
            self.console.print(reason, markup=False)
        has_page = written and self._has_page(selection)
        finished = counts.total() - counts[ERROR] - counts[None]
        if interrupted:
            self.console.print(f"interrupted: {finished} of {len(self.sources)} are done; the same command goes on")
        told = (
            f"{finished} of {len(self.sources)} images have their maps, {counts[WARNING]} of them with a warning; "
            f"{counts[ERROR]} failed",
            f"outputs   {self.folder}",
            f"table     {self.folder / TABLE}",
        )
        measures = [f"measures  {self.measures.path}; {CAUTION}"] if self.measures is not None else []
        page = [f"page      {self.folder / PAGE}"] if has_page else []
        self.console.print("\n".join(map(printable, [*told, *measures, *page, *self._speed(rates)])), markup=False)
        return written and (has_page or self.page is None) and finished == len(self.sources)

    def _has_page(self, selection: Selection | None) -> bool:
        if self.page is None or not selection:
            return False
        try:
            self.page.write(selection)
        except InputError as error:
            reason = error.one_line
        except OSError as error:
            reason = f"the page {self.page.path} cannot be written: {error.strerror or error}"
        else:
            return True
        self.console.print(printable(reason), markup=False)
        return False

    def _speed(self, rates: StageRates | None) -> list[str]:
        if rates is None or self._finished is None or self._images < 2 or not rates.rates():
            return []
        share = f" (process 1 of {self.processes})" if self.processes > 1 else ""
        pace = self._images / max(self._finished - self._started, 1e-9)
        return [f"speed     {pace:.3g} images/s{share}", f"stages    {rates.describe()}"]

    def _keep(
        self,
        rows: Rows[Record],
        new: dict[str, Record],
        selection: Selection | None = None,
        others_go_on: bool = False,
    ) -> None:
        """Write the table: other images' rows, then those of the sources in their order.

        Args:
            selection: Gets them too.
            others_go_on: Whether other processes may still add rows; then the journals stay for the next batch.
        """
        if rows or new:
            all_rows = self._all(rows, new)
            write_table(self.folder, PREDICTIONS, all_rows if selection is None else selection.taking(all_rows))
        if not others_go_on:
            remove_journals(self.folder, PREDICTIONS)

    def _all(self, rows: Rows[Record], new: dict[str, Record]) -> Iterator[Record]:
        with rows.reading():
            yield from rows.of_others(self.sources.paths())
            for image in self.sources.paths():
                record = new.get(image) or rows.record(image)
                if record is not None:
                    yield record


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.2f} images/s" if task.speed else "")


def _check_same_settings(
    folder: Path, before: dict[str, Any] | None, identity: dict[str, Any], overwrite: bool
) -> None:
    # the other folder's too: hysteresis is named where masks are made by it alone
    keys = dict.fromkeys([*identity, *(before or ())])
    differing = [key for key in keys if before is not None and before.get(key) != identity.get(key)]
    if "model" in differing and "weights" in differing:
        differing.remove("weights")  # another model has other weights
    if before is not None and differing and not overwrite:
        told = ", ".join(f"{key}: {before.get(key)} before, {identity.get(key)} now" for key in differing)
        raise InputError(
            f"{folder} holds predictions made with other settings",
            expected="the same settings, so that what is there can be kept",
            got=told,
            fix="choose another out_dir, or set overwrite=true",
        )
