"""SHA-256 sums of files: as published, as found in a folder, and the list that is kept beside the data."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from fundus_unet.core.errors import MOST_TOLD, InputError
from fundus_unet.core.files import open_regular, read_bytes

LIST = "SHA256SUMS"
ABOUT = "ABOUT.txt"
_FOLDER = Path(__file__).with_name("checksums")
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_LARGEST_LIST = 2**24


def published(folder: str) -> dict[str, str]:
    """The sums that come with the project, by the path of the file below the set's folder; none for most sets."""
    path = _FOLDER / f"{folder}.sha256"
    return read_list(path) if path.is_file() else {}


def read_list(path: Path) -> dict[str, str]:
    """A list as `sha256sum` writes it.

    Raises:
        InputError: For a line that is none, or a path that leaves the folder.
        OSError: Where it cannot be read.
    """
    found = {}
    for number, line in enumerate(read_bytes(path, _LARGEST_LIST).decode(errors="replace").splitlines(), start=1):
        parts = _LINE.fullmatch(line)
        name = parts[2].removeprefix("./") if parts else ""
        if not name.isprintable() or not parts or name.startswith("/") or ".." in name.split("/"):
            raise InputError(f"{path} is no list of checksums: line {number}", expected="64 hex digits and a path")
        found[name] = parts[1]
    return found


def list_text(sums: Mapping[str, str]) -> str:
    """What `sha256sum --check` reads."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))


def sha256_of(path: Path) -> str:
    """Raises: OSError for what is no regular file or cannot be read."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sums_of(folder: Path) -> dict[str, str]:
    """Of every file below the folder but the two that are kept beside the data."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in files)
    return {name: sha256_of(path) for name, path in zip(names, files, strict=True) if name not in (LIST, ABOUT)}


def differences(folder: Path, sums: Mapping[str, str], *, follow: bool = True) -> list[str]:
    """A line for each listed file that is not there, cannot be read or has another content.

    Args:
        follow: Whether files that links lead out of the folder to are read: not where a list may be a stranger's.
    """
    found = []
    for name, sha256 in sums.items():
        path = folder / name
        try:
            if not follow and not path.resolve().is_relative_to(folder.resolve()):
                found.append(f"{name}: a link leads out of the folder")
            elif sha256_of(path) != sha256:
                found.append(f"{name}: another content ({path.stat().st_size:,} bytes)")
        except FileNotFoundError:
            found.append(f"{name}: not there")
        except OSError as error:
            found.append(f"{name}: {error.strerror or error}")
    return found


def told(lines: Iterable[str], most: int = MOST_TOLD) -> str:
    """Lines of an error, the first of them where there are many."""
    lines = list(lines)
    more = [f"and {len(lines) - most} more"] if len(lines) > most else []
    return "\n    ".join(["", *lines[:most], *more]) if len(lines) > 1 else "".join(lines)
