"""Where a set may come from: the table's addresses, or what the user names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from fundus_unet.core.errors import InputError
from fundus_unet.data.download.addresses import Published
from fundus_unet.data.download.checksums import published
from fundus_unet.data.download.get_command import get_command
from fundus_unet.data.download.member_names import is_junk

_NO_SCHEME = re.compile(r"(localhost|[\w-]+(\.[\w-]+)+)(:\d+)?/.*|[\w.-]+:\d+(/.*)?")


@dataclass(frozen=True)
class Remote:
    """A file to load."""

    name: str  # below the folder of downloads
    urls: tuple[str, ...]
    sha256: str | None


@dataclass(frozen=True)
class Sources:
    """What to load, and what of it and of the user's disk makes up the set."""

    words: tuple[str, ...]  # as it is told later
    archives: tuple[Remote, ...] = ()
    files: tuple[Remote, ...] = ()  # of the set itself
    local: tuple[Path, ...] = ()


def table_sources(row: Published, data_dir: Path) -> Sources:
    """The addresses of the table.

    Raises:
        InputError: For a set that each user has to ask for: how, and under which terms.
    """
    if not row.archives:
        raise InputError(
            f"{row.name} is not loaded by this command, since its terms want you to obtain it yourself\n"
            f"  where: {row.where}\n  how: {row.how}\n"
            f"  terms: {row.licence}\n  stated in: {row.licence_read_in}",
            fix=f"{get_command(row, data_dir, ['PATH'])}, where PATH is the archive or the folder that you have"
            + (f"; for {' and '.join(row.parts)}: {get_command(row, data_dir)}" if row.parts else ""),
        )
    archives = tuple(Remote(one.name, one.urls, one.sha256) for one in row.archives)
    return Sources(tuple(url for one in row.archives for url in one.urls[:1]), archives)


def named_sources(row: Published, given: Sequence[str], data_dir: Path | None = None) -> Sources:
    """What the user names: archives, folders, addresses of archives, addresses of folders (with `/` at the end).

    Raises:
        InputError: For a path that is not there; for a folder that holds that of the set among others; for the
            address of a folder of a set whose files are not listed.
    """
    archives: list[Remote] = []
    files: list[Remote] = []
    local: list[Path] = []
    for one in given:
        if not one.lower().startswith(("http://", "https://")):
            path = Path(one).expanduser()
            if not path.exists():
                fix = "give the path of an archive or a folder, or an http address"
                if _NO_SCHEME.fullmatch(one):
                    fix = f"did you mean source=http://{one}? Else {fix}"
                raise InputError(f"source={one} is not there", fix=fix)
            _check_folder(row, path, data_dir)
            local.append(path.absolute())
        elif one.endswith("/"):
            files += _listed(row, one)
        else:
            archives.append(_archive(row, one))
    names = [one.name for one in archives]
    if len(set(names)) < len(names):
        raise InputError("two sources have one name", got=", ".join(names), fix="give each part of the set once")
    return Sources(tuple(map(_shown, given)), tuple(archives), tuple(files), tuple(local))


def _check_folder(row: Published, path: Path, data_dir: Path | None) -> None:
    """Raise `InputError` for a folder of folders, the set's among them: others would be copied along."""
    if not path.is_dir():
        return
    inside = [one for one in sorted(path.iterdir()) if not is_junk(one.name)]
    names = {folder.lower() for folder in row.folders}
    found = next((one for one in inside if one.name.lower() in names and one.is_dir()), None)
    if found is not None and len(inside) > 1:
        raise InputError(
            f"there is a folder {found.name} in {path}",
            fix=f"give that: {get_command(row, data_dir, [str(found)])}",
        )


def _shown(one: str) -> str:
    """What is kept beside the data: no password or key of an address, no place on this machine."""
    parts = urlsplit(one)
    if parts.scheme.lower() not in ("http", "https"):
        return Path(one).name
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _archive(row: Published, url: str) -> Remote:
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    if not name or not name.isprintable() or name.startswith("."):
        raise InputError(
            f"source={url} names no file", fix="give the address of an archive, or of a folder with / at its end"
        )
    sums = {one.name: one.sha256 for one in row.archives}
    return Remote(name, (url,), sums.get(name))


def _listed(row: Published, base: str) -> list[Remote]:
    sums = published(row.folder)
    if not sums:
        raise InputError(
            f"the files of {row.name} cannot be loaded one by one, since there is no list of them here",
            got=f"source={base}",
            fix="give the address of an archive, without / at its end",
        )
    return [Remote(name, (base + name,), sha256) for name, sha256 in sums.items()]
