"""Locks that the system takes back however a process ends."""

import errno
from collections.abc import Callable

from fundus_unet.core.errors import InputError


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
