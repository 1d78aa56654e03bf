"""Room on the disk: asked for before a file is written, and told of where it ends all the same."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fundus_unet.core.errors import InputError

_FULL = (errno.ENOSPC, errno.EDQUOT)


def check_room(folder: Path, needed: int) -> None:
    """Raises: InputError where the disk of `folder` has less than `needed` bytes left."""
    if shutil.disk_usage(folder).free < needed:
        raise _full(folder, needed)


@contextmanager
def told_when_full(folder: Path, needed: int) -> Iterator[None]:
    """Say how much room is needed where writing finds none.

    Args:
        needed: Bytes that are still to be written, about.

    Raises:
        InputError: In place of the system's error.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise _full(folder, needed) from error


def _full(folder: Path, needed: int) -> InputError:
    return InputError(
        f"the disk of {folder} is full",
        expected=f"room for {megabytes(needed)} more",
        got=f"{megabytes(shutil.disk_usage(folder).free)} free",
        fix="make room, or set paths.data_dir=/a/larger/disk; what is loaded is kept, and the same command goes on",
    )


def part_of(done: int, total: int | None) -> str:
    """`8.6 of 31 MB`, `0.4 MB of 1.8 GB`; the first alone where the total is not known."""
    first = megabytes(done)
    if not total:
        return first
    number, _, unit = first.partition(" ")
    whole = megabytes(total)
    return f"{number if whole.endswith(unit) else first} of {whole}"


def megabytes(size: int) -> str:
    """`1.8 GB`, `76 MB`, `0.3 MB`, `20 kB`."""
    if size >= 10**9:
        return f"{size / 1e9:.1f} GB"
    if size < 10**5:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.0f} MB" if size >= 10**7 else f"{size / 1e6:.1f} MB"
