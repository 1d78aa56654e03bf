"""Files and folders that a process makes and removes again: whose they are, and whether that process has ended."""

import os
import platform
import re
import time
import zlib
from pathlib import Path

_MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"
DAY = 86_400.0


def mark() -> str:
    """What their names begin with: this machine, since others may share the disk, and this process."""
    return f"{_MACHINE}-{os.getpid()}"


def is_left_over(path: Path, marked: str) -> bool:
    """Whether the process that made `path` has ended, as far as can be told from here.

    Of another machine that is not known; what nobody changed for a day is taken for left over.

    Args:
        marked: The end of the path, from the `mark` on.
    """
    found = re.match(r"([0-9a-f]{8})-(\d{1,10})-", marked)
    if found is None:
        return False
    if found[1] == _MACHINE:
        return not is_alive(int(found[2]))
    try:
        return time.time() - path.stat().st_mtime > DAY
    except OSError:
        return False


def is_alive(process: int) -> bool:
    """Whether a process of this number runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
