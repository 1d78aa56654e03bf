"""The files in a zip, tar (plain, gz, bz2, xz), gz or rar, one after another; what it is tells its first bytes."""

import errno
import gzip
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import open_regular
from fundus_unet.data.download.bad_archive import BadArchiveError, DamagedArchiveError
from fundus_unet.data.download.tar_bytes import is_tar, tar_members

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    struct.error,
    EOFError,
    OverflowError,
    LookupError,
    ValueError,
    RuntimeError,  # a compression that zipfile does not know, or headers without end
    MemoryError,  # that a header asks for
)
_NO_SUCH_PLACE = (None, errno.EINVAL)
"""Error codes of reading where a damaged archive points to, and of decompression."""
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".rar")
RAR_TOOLS = "unrar, unar, 7z or bsdtar"


@dataclass(frozen=True)
class Member:
    """A file or a folder in an archive. `size` is what the archive says, which may be anything."""

    name: str
    size: int
    is_folder: bool
    opened: Callable[[], AbstractContextManager[IO[bytes]]]
    refused: str = ""  # why it is not unpacked, where it is neither


def members_of(archive: Path) -> Iterator[Member]:
    """Every member, to be read before the next one is asked for.

    Raises:
        BadArchiveError: Where it is no archive.
        Exception: Of many kinds, where it cannot be read further: `told_as_errors`.
    """
    reader = _reader(archive)
    if reader is None:
        raise BadArchiveError(
            f"{archive.name} is no archive", expected="a zip, tar, tar.gz, tar.xz, gz or rar", got=_beginning(archive)
        )
    return reader(archive)


def is_archive(path: Path) -> bool:
    """Whether it holds other files, by its name too: a table (`.xlsx`) is a zip, and `im0001.ppm.gz` a single file."""
    return path.name.lower().endswith(SUFFIXES) and _reader(path) not in (None, _gz)


def told_size(path: Path) -> int:
    """Bytes of what is in it, as a zip says; of the archive itself for others, which tell it at their ends alone."""
    if _reader(path) is _zip:
        try:
            with zipfile.ZipFile(path) as archive:
                return sum(info.file_size for info in archive.infolist())
        except _DAMAGED:
            pass
    return path.stat().st_size


def _reader(path: Path) -> Callable[[Path], Iterator[Member]] | None:
    with open_regular(path) as file:
        begins = file.read(8)
    if begins.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip
    if begins.startswith(b"Rar!\x1a\x07"):
        return _rar
    try:
        if is_tar(path):
            return _tar
    except (*_DAMAGED, OSError):
        pass
    return _gz if begins.startswith(b"\x1f\x8b") else None


def _beginning(path: Path) -> str:
    with open_regular(path) as file:
        begins = file.read(64)
    is_page = begins.lstrip()[:9].lower().startswith((b"<!doctype", b"<html"))
    return "a web page" if is_page else f"a file that begins with {begins[:8]!r}" if begins else "an empty file"


def _zip(path: Path) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where no Unix made it
            odd = "" if kind in (0, stat.S_IFREG, stat.S_IFDIR) else "a link or a device"
            locked = "it needs a password" if info.flag_bits & 1 else ""

            def opened(info: zipfile.ZipInfo = info) -> IO[bytes]:
                return archive.open(info)

            yield Member(info.filename, info.file_size, info.is_dir(), opened, odd or locked)


def _tar(path: Path) -> Iterator[Member]:
    for info, archive in tar_members(path):
        odd = "" if info.isreg() or info.isdir() else "a link or a device"

        def opened(info: tarfile.TarInfo = info, archive: tarfile.TarFile = archive) -> IO[bytes]:
            return cast(IO[bytes], archive.extractfile(info))

        yield Member(info.name, info.size, info.isdir(), opened, odd)


def _gz(path: Path) -> Iterator[Member]:
    yield Member(path.name.removesuffix(".gz"), 0, False, lambda: cast(IO[bytes], gzip.GzipFile(path)))


def _rar(path: Path) -> Iterator[Member]:
    import rarfile  # with the extra `train`

    with rarfile.RarFile(path) as archive:
        infos = archive.infolist()
        if any(info.compress_type != rarfile.RAR_M0 and not info.is_dir() for info in infos):
            rarfile.tool_setup()
        for info in infos:
            is_link = info.is_symlink() or getattr(info, "file_redir", None)
            odd = "a link or a device" if is_link or not (info.is_file() or info.is_dir()) else ""
            locked = "it needs a password" if info.needs_password() else ""

            def opened(info: rarfile.RarInfo = info) -> IO[bytes]:
                return cast(IO[bytes], archive.open(info))

            yield Member(info.filename, info.file_size, info.is_dir(), opened, odd or locked)


@contextmanager
def told_as_errors(archive: Path) -> Iterator[None]:
    """For what reads an archive.

    Raises:
        BadArchiveError: In place of what damaged archives, and those made to do harm, raise.
        InputError: Where a rar's tool is missing or does not do it; the archive is not at fault.
    """
    try:
        yield
    except InputError:
        raise
    except _DAMAGED as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        if error.filename is not None or error.errno not in _NO_SUCH_PLACE:
            raise
        raise _damaged(archive, error) from error
    except Exception as error:
        kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "rarfile"]
        if not kinds:
            raise
        if "RarExecError" not in kinds or "RarCRCError" in kinds:
            raise _damaged(archive, error) from error
        raise InputError(
            f"{archive.name} is a rar archive, and it takes a tool to unpack it",
            expected=f"{RAR_TOOLS} on the PATH, in a version that reads this archive",
            got="no such tool" if "RarCannotExec" in kinds else error,
            fix=f"install one of {RAR_TOOLS} and give the same command again; what is loaded is kept. Or unpack it "
            "yourself and give the folder: source=FOLDER",
        ) from error


def _damaged(archive: Path, error: Exception) -> DamagedArchiveError:
    return DamagedArchiveError(f"{archive.name} is damaged", got=f"{type(error).__name__}: {error}")
