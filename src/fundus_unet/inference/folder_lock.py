"""One prediction at a time in a folder: two would take each other's maps for files of the user's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fundus_unet.core.lock import take

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
        take(
            lambda: fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB),
            f"another process is predicting into {folder}",
            fix="wait for its end, or choose another out_dir=...",
        )
        yield
    finally:
        os.close(handle)
