"""Locks that the system takes back however a process ends."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fundus_unet.core.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: without locks
    fcntl = None  # type: ignore[assignment]


def take(lock: Callable[[], None], problem: str, fix: str) -> None:
    """Call what takes a lock without waiting for it; a disk that knows no locks goes without one.

    Raises:
        InputError: With `problem` and `fix`, where another process holds it.
    """
    try:
        lock()
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise InputError(problem, fix=fix) from error


@contextmanager
def alone_in(folder: Path, problem: str, fix: str) -> Iterator[None]:
    """Hold a lock on a folder itself; processes that this one forks hold it too.

    Raises:
        InputError: With `problem` and `fix`, where another process holds it.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        take(lambda: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB), problem, fix)
        yield
    finally:
        os.close(handle)
