"""What loading and unpacking show: a bar on a terminal; in a pipe a line now and then, and one for each thing done."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from fundus_unet.core.duration import duration
from fundus_unet.core.plain_text import printable
from fundus_unet.data.download.room import megabytes, part_of

Update = Callable[[int, int | None], None]
EVERY = 30.0
"""Seconds between two lines where there is no terminal."""


class LoadingProgress:
    """Shows one thing after another."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def of(self, doing: str, done: str) -> Iterator[Update]:
        """Give a function that is called with the bytes so far and their total, None where it is not known.

        Args:
            doing: Beside the bar.
            done: The line at the end, unless nothing was done or it failed.
        """
        columns = (TextColumn("{task.description}"), BarColumn(20), DownloadColumn(), TransferSpeedColumn())
        last, first_size, began = 0, -1, time.monotonic()
        told = began
        with Progress(
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as bar:
            task = bar.add_task(printable(doing)[:28], total=None)

            def update(size: int, total: int | None) -> None:
                nonlocal last, told, first_size
                last = size
                if first_size < 0:  # what an earlier attempt left took none of this one's time
                    first_size = size
                now = time.monotonic()
                if not self._console.is_terminal and now - told >= EVERY:
                    told = now
                    speed = (size - first_size) / (now - began)
                    left = f", {duration((total - size) / speed)} left" if total and speed > 0 else ""
                    self.line(f"{doing}: {part_of(size, total)}{left}")
                bar.update(task, completed=size, total=total)

            yield update
        if last:
            self.line(f"{done}, {megabytes(last)}")

    def line(self, text: str) -> None:
        """Print a line as it is."""
        self._console.print(printable(text), soft_wrap=True, highlight=False, markup=False)


def summed(update: Update) -> Callable[[int], None]:
    """A function that is told of each piece, for one that is told of all so far."""
    written = 0

    def told_of(size: int) -> None:
        nonlocal written
        written += size
        update(written, None)

    return told_of


@contextmanager
def kept_told(update: Update) -> Iterator[Update]:
    """Pass on what is told, and where that is interrupted say how much is kept."""
    last: tuple[int, int | None] = 0, None

    def told_of(done: int, total: int | None) -> None:
        nonlocal last
        last = done, total
        update(done, total)

    try:
        yield told_of
    except KeyboardInterrupt as error:
        if last[0]:
            error.add_note(f"{part_of(*last)} {'are' if last[1] else 'is'} kept: give the same command again")
        raise
