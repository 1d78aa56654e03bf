"""One prediction at a time in a folder: two would take each other's maps for files of the user's."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fundus_unet.core.errors import InputError

try:
    import fcntl
except ImportError:  # Windows: without the lock
    fcntl = None  # type: ignore[assignment]


@contextmanager
def predicting_in(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder itself, which the system takes back however this process ends.

    Raises:
        InputError: Where another process predicts into that folder.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                raise InputError(
                    f"another process is predicting into {folder}",
                    fix="wait for its end, or choose another out_dir=...",
                ) from error
            # a disk that knows no locks: without one
        yield
    finally:
        os.close(handle)
