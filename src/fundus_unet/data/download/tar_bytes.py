"""The bytes of a tar, unpacked on the way: a header may take no more of them than an honest one needs."""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

LONGEST_HEADER = 2**15
"""Bytes of all headers of one member. `tarfile` reads them whole, into memory, one inside another."""
_LONGEST_PADDING = 2**24
_STARTS = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open))


class _Bytes:
    """What `tarfile` reads from."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left: int | None = LONGEST_HEADER

    def limit(self, bytes_left: int | None) -> None:
        self._left = bytes_left

    def read(self, size: int = -1) -> bytes:
        if self._left is not None:
            if not 0 <= size <= self._left:
                raise tarfile.ReadError(f"a header of more than {LONGEST_HEADER:,} bytes")
            self._left -= size
        return self._file.read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        return self._file.seek(place, whence)

    def tell(self) -> int:
        return self._file.tell()


def tar_members(path: Path) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    """Every member with the archive that it is read from, before the next one is asked for.

    Raises:
        tarfile.ReadError: Where it is no tar, or none that is whole.
        Exception: Of many kinds, as decompression and `tarfile` raise for what is damaged.
    """
    with _unpacked(path) as file:
        source = _Bytes(file)
        with tarfile.open(fileobj=cast(IO[bytes], source), mode="r:") as archive:
            while (info := archive.next()) is not None:
                if info.size < 0:  # what follows would be read again and again
                    raise tarfile.ReadError(f"{info.name!r:.200} has a size below zero")
                source.limit(None)
                yield info, archive
                source.limit(LONGEST_HEADER)
            source.limit(None)
            # gz, bz2 and xz compare their sums at their ends, which lie behind the last file
            if len(source.read(_LONGEST_PADDING)) == _LONGEST_PADDING:
                raise tarfile.ReadError("there is more behind its end")


def is_tar(path: Path) -> bool:
    """Whether a tar begins there, compressed or not; raises as `tar_members`, but for what is none."""
    try:
        with _unpacked(path) as file:
            tarfile.open(fileobj=cast(IO[bytes], _Bytes(file)), mode="r:").close()
    except tarfile.TarError:
        return False
    return True


def _unpacked(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        begins = file.read(8)
    for start, opened in _STARTS:
        if begins.startswith(start):
            return cast(IO[bytes], opened(path, "rb"))
    return path.open("rb")
