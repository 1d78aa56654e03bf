"""How far a comparison is: a line per unit of work, with the time left, and on a terminal a bar below."""

import time
from collections.abc import Callable, Iterable
from types import TracebackType

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from fundus_unet.core.duration import duration

WIDTH = 80
LONGEST_SILENCE = 20.0
"""Seconds after which a pipe is told what is being done, too."""


class Steps:
    """Units of work, one after another; a context manager.

    Args:
        total: How many units there are.
        clock: Seconds.
    """

    def __init__(self, console: Console, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._total, self._clock = console, total, clock
        self._done, self._name = 0, ""
        self._started = self._begun = self._told = clock()
        columns = BarColumn(bar_width=30), MofNCompleteColumn(), TextColumn("{task.fields[left]}")
        self._bar = _NamedProgress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=total, left="")

    def __enter__(self) -> "Steps":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, name: str) -> None:
        """The next unit."""
        self._name, self._begun = name, self._clock()
        self.doing("")

    def doing(self, what: str) -> None:
        """A part of the unit, shown on a terminal, and in a pipe where it was silent for long."""
        self._bar.update(self._task, description=f"{self._name}\n  {what}")
        if what and not self._console.is_terminal and self._clock() - self._told > LONGEST_SILENCE:
            self._tell(f"{self._done + 1} of {self._total}: {self._name}\n  {what}")

    def end(self) -> None:
        """The unit is done."""
        self._done += 1
        now = self._clock()
        left = (now - self._started) / self._done * (self._total - self._done)
        about = f"about {duration(left)} left" if self._done < self._total else ""
        times = ", ".join(filter(None, [duration(now - self._begun), about]))
        self._bar.update(self._task, completed=self._done, left=about)
        line = f"{self._done} of {self._total}: {self._name}"
        self._tell(f"{line}; {times}" if len(line) + len(times) + 2 <= WIDTH else f"{line}\n  {times}")

    def _tell(self, text: str) -> None:
        self._told = self._clock()
        self._console.print(text, soft_wrap=True, highlight=False, markup=False)


class _NamedProgress(Progress):
    """With what is being done in lines of its own, as wide as the terminal."""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from (Text(task.description) for task in self.tasks)
        yield self.make_tasks_table(self.tasks)
