"""Writing files so that an interruption never leaves half of one."""

import csv
import errno
import io
import itertools
import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from numbers import Number
from pathlib import Path
from typing import Any, BinaryIO

from fundus_unet.core.left_over import is_left_over, mark
from fundus_unet.core.plain_text import text_cell, text_of_cell

PARTIAL = ".part"
LARGEST_TABLE = 2**30
_numbers = itertools.count()


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none: beside it first, then renamed into place."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """As `write_text`. Where `path` is a link, the link is replaced and not what it points to.

    Args:
        durable: Waits until the disk has it, so that a power cut leaves the old file or the new one; without, that
            holds for a kill.

    Raises:
        OSError: That names `path`.
    """
    with whole_file(path, durable=durable) as file:
        file.write(data)


@contextmanager
def whole_file(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """As `write_bytes`, for content that is written piece by piece; nothing is there where an error ends that."""
    partial = path.with_name(f".{mark()}-{next(_numbers)}{PARTIAL}")  # short, since `path` may be at its limit
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            yield file
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
        if is_left_over(path, path.name[1:]):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def append_lines(path: Path, lines: Iterable[str], *, durable: bool = False) -> None:
    """Add lines to a file; they begin on a line of their own also where an interruption cut off the one before.

    Args:
        durable: Waits until the disk has them.

    Raises:
        OSError: That names `path`, also where it is a link.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags, 0o666), "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            cut_off = file.read(1) not in (b"", b"\n")
            file.write(b"\n" * cut_off + "".join(f"{line}\n" for line in lines).encode())
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def read_bytes(path: Path, limit: int) -> bytes:
    """The content of a regular file, at most `limit` bytes of it.

    Never waits: a pipe, a device, or a link to one, is refused unread.

    Raises:
        OSError: For what is no regular file, is larger, or cannot be read.
    """
    with open_regular(path) as file:
        size = min(os.fstat(file.fileno()).st_size, limit)
        data = file.read(size + 1)
        if len(data) > size:  # it has grown, or its size is not told
            data += file.read(limit + 1 - len(data))
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit:,} bytes", str(path))
    return data


@contextmanager
def open_regular(path: Path) -> Iterator[io.BufferedReader]:
    """A regular file, open for reading; as `read_bytes`, without a limit.

    Raises:
        OSError: For what is no regular file or cannot be opened.
    """
    _check_regular(path, os.stat(path).st_mode)  # opening a device alone may do something
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        _check_regular(path, os.fstat(descriptor).st_mode)
        yield file


def _check_regular(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "no file")
        raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))


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


def write_json(path: Path, value: Any) -> None:
    """As `write_text`; NaN and infinity, which JSON does not have, are a `ValueError`."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """One line per row; the columns are the union of the rows' keys in order of appearance.

    Text is made harmless to spreadsheets and terminals (`plain_text.text_cell`); `read_csv` gives it back.
    """
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [csv_line(columns), *(csv_line([row.get(key) for key in columns]) for row in rows)]
    write_text(path, "".join(f"{line}\n" for line in lines))


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a table that `write_csv` wrote, every cell as text.

    Raises:
        OSError: Where it cannot be read.
    """
    text = read_bytes(path, LARGEST_TABLE).decode(errors="replace")
    rows = csv.DictReader(io.StringIO(text, newline=""), restval="")
    return [{key: text_of_cell(cell) for key, cell in row.items() if key is not None} for row in rows]


def csv_line(values: Sequence[Any]) -> str:
    """Cells as one line, without its end: numbers as they are, None empty, all else as harmless text."""
    line = io.StringIO()
    plain = [value if value is None or isinstance(value, Number) else text_cell(str(value)) for value in values]
    csv.writer(line, lineterminator="").writerow(plain)
    return line.getvalue()
