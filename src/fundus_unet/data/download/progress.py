"""What loading and unpacking show: a bar on a terminal, a line for each thing that is done in a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from fundus_unet.core.plain_text import printable
from fundus_unet.data.download.room import megabytes

Update = Callable[[int, int | None], None]


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
        last = 0
        with Progress(
            *columns,
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        ) as bar:
            task = bar.add_task(printable(doing)[:28], total=None)

            def update(size: int, total: int | None) -> None:
                nonlocal last
                last = size
                bar.update(task, completed=size, total=total)

            yield update
        if last:
            self.line(f"{done}, {megabytes(last)}")

    def line(self, text: str) -> None:
        """Print a line as it is."""
        self._console.print(printable(text), soft_wrap=True, highlight=False, markup=False)
