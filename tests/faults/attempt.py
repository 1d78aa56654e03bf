"""One attack and what came of it."""

import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRACEBACK = "Traceback (most recent call last)"
LOST, CORRUPT, TRACED, OUTSIDE, HUNG = "lost", "corrupt", "traceback", "outside", "hung"


@dataclass(frozen=True)
class Attempt:
    """`failure` is one of the words above, or None where nothing was lost; `detail` is enough to repeat it."""

    kind: str
    detail: str
    failure: str | None = None
    told: str = ""


def failed(attempts: list[Attempt]) -> list[str]:
    """A line for each attempt that failed."""
    return [f"{one.kind}, {one.detail}: {one.failure}: {one.told[-600:]}" for one in attempts if one.failure]


def content(folder: Path) -> dict[str, str]:
    """A digest of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class TooLongError(BaseException):
    """What an attack called takes too long; no `except Exception` of it catches this."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise `TooLongError` inside, after so many seconds."""

    def stop(number: int, frame: Any) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
