"""Names inside an archive: those that stay in the folder, mean the same on every system, and stand there once."""

import re
import unicodedata
from pathlib import Path, PurePosixPath

from fundus_unet.data.download.bad_archive import BadArchiveError

_JUNK = re.compile(r"(^|/)(__MACOSX(/|$)|\._[^/]*$|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")
_NEVER = re.compile(r'[\\<>:"|?*]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST, _DEEPEST = 200, 20


def is_junk(name: str) -> bool:
    """What systems leave in folders and archivers take along."""
    return bool(_JUNK.search(name))


class MemberNames:
    """The names of one folder that is filled, one after another.

    Raises:
        BadArchiveError: For a name that is absolute, leaves the folder, has signs that some system cannot have in a
            name, or is there already, in capitals or small letters.
    """

    def __init__(self, archive: Path) -> None:
        self._archive = archive
        self._files: set[str] = set()
        self._folders: dict[str, str] = {}

    def add(self, name: str) -> PurePosixPath:
        """The path of a file, from the folder down."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if name.startswith("/") or ".." in parts:
            raise self._refused(name, "a path that stays in its folder")
        is_plain = name.isprintable() and not _NEVER.search(name) and len(parts) <= _DEEPEST
        if not parts or not is_plain or not all(map(_is_portable, parts)):
            raise self._refused(name, "names that every system can have")
        keys = [_key("/".join(parts[: number + 1])) for number in range(len(parts))]
        for key, spelled in zip(keys[:-1], parts, strict=False):
            if key in self._files or self._folders.setdefault(key, spelled) != spelled:
                raise self._refused(name, "every name once")
        if keys[-1] in self._files or keys[-1] in self._folders:
            raise self._refused(name, "every name once")
        self._files.add(keys[-1])
        return PurePosixPath(*parts)

    def _refused(self, name: str, expected: str) -> BadArchiveError:
        return BadArchiveError(
            f"{self._archive.name} holds a file that is not unpacked: {name!r:.200}",
            expected=expected,
        )


def _is_portable(part: str) -> bool:
    return len(part.encode()) <= _LONGEST and part[-1] not in ". " and not _DEVICE.fullmatch(part)


def _key(path: str) -> str:
    """The same for names that some system takes for one."""
    return unicodedata.normalize("NFC", path).casefold()
