"""Writing files so that an interruption never leaves half of one."""

import csv
import errno
import itertools
import json
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PARTIAL = ".part"
_numbers = itertools.count()


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none: beside it first, then renamed into place."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """As `write_text`. Where `path` is a link, the link is replaced and not what it points to.

    Args: `durable` waits until the disk has it, so that a power cut leaves the old file or the new one; without, that
    holds for a kill.
    Raises: `OSError` that names `path`.
    """
    partial = path.with_name(f".{os.getpid()}-{next(_numbers)}{PARTIAL}")  # short, since `path` may be at its limit
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
        if durable:
            _sync_folder(path.parent)
    except OSError as error:  # one of writing names no file, the others name another one
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def remove_partial_files(folder: Path) -> None:
    """Remove what killed processes left of files they were writing in `folder`; living ones keep theirs."""
    for path in folder.glob(f".*{PARTIAL}"):
        process = path.name[1:].split("-")[0]
        if process.isdigit() and not _is_alive(int(process)):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file, at most `limit` bytes of it.

    Never waits: a pipe, a device, or a link to one, is refused unread.

    Raises: `OSError` for what is no regular file, is larger, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for test, name in _KINDS if test(mode)), "no file")
            raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit:,} bytes", str(path))
    return data


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _sync_folder(folder: Path) -> None:
    """Have the disk keep a renaming; a system that cannot open folders, or a disk that cannot do it, goes without."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """One line per row; the columns are the union of the rows' keys in order of appearance."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines: list[str] = []
    writer = csv.DictWriter(_Lines(lines), columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, "".join(lines))


class _Lines:
    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append
