"""Which images a user means: a file, a folder, a glob, a CSV of paths, or several of these."""

import csv
import glob
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePath

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import read_bytes
from fundus_unet.data.images.decoding import SUFFIXES

COLUMNS = ("path", "image", "file", "filename")
LARGEST_LIST = 2**26
"""Bytes of a CSV of paths."""


@dataclass(frozen=True)
class Source:
    """One image to predict.

    `name` is its path below what the user named, without suffix: outputs keep it, below their own folder. It is
    relative and has no `..`. `problem` is what is known to be wrong before the image is read.
    """

    path: Path
    name: PurePath
    problem: InputError | None = None


def find_images(images: str | Sequence[str], leave_out: Path) -> list[Source]:
    """Every image that `images` names, in sorted order per entry, each file once.

    Args:
        A folder is searched with its subfolders, links to folders excepted, for files that end in one of
        `SUFFIXES`; a file that is named itself is taken whatever its name. Nothing below `leave_out`, the outputs'
        folder, is taken from a folder or glob. What is named and is no file, and what cannot be searched, is a
        source with a problem, or one that cannot be read.

    Raises:
        InputError: For an entry that is not there or has no image in it, or a CSV without a column of paths.
    """
    found: dict[str, Source] = {}
    for entry in [images] if isinstance(images, str) else images:
        for source in _entry(str(entry), os.path.realpath(leave_out)):
            found.setdefault(os.path.realpath(source.path), source)
    return list(found.values())


def output_name(path: PurePath) -> PurePath:
    """The path without the suffix of an image, also without both of `.ppm.gz`."""
    name = path.name.removesuffix(".gz") if path.name.lower().endswith(".ppm.gz") else path.name
    stem = PurePath(name).stem
    return path.with_name(stem if stem.strip(".") else name)  # `..png` has a point for a stem


def _entry(entry: str, leave_out: str) -> list[Source]:
    path = Path(os.path.expanduser(entry))
    if os.path.isdir(path):
        sources = _in_folder(path, leave_out)
        got = "no such file in it or its subfolders"
    elif os.path.lexists(path) and path.suffix.lower() == ".csv":
        sources = _with_common_folder(_listed(path), path)
        got = "a CSV without rows"
    elif os.path.lexists(path):
        return [Source(path, output_name(PurePath(path.name)))]
    elif glob.has_magic(entry):
        sources = _matching(path, leave_out)
        got = "a pattern that no file matches"
    else:
        raise _not_there(path)
    if not sources:
        raise InputError(f"there are no images in {entry}", expected=f"files that end in {_ENDINGS}", got=got)
    return sources


def _in_folder(folder: Path, leave_out: str) -> list[Source]:
    unreadable: list[Source] = []
    files = [file for file in _files_below(folder, leave_out, unreadable) if _has_ending(file)]
    return [*(Source(file, output_name(file.relative_to(folder))) for file in files), *unreadable]


def _files_below(folder: Path, leave_out: str, unreadable: list[Source]) -> Iterator[Path]:
    """What is no folder, link to a folder or hidden, a folder's own files first.

    Args:
        unreadable: Gets the folders that cannot be searched.
    """
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            if os.path.exists(leave_out) and os.path.samefile(here, leave_out):
                continue
            with os.scandir(here) as found:
                entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda one: one.name)
        except OSError as error:
            unreadable.append(_unusable(here, f"{here} cannot be searched: {error.strerror or error}"))
            continue
        folders = [entry.name for entry in entries if _is_folder(entry)]
        yield from (here / entry.name for entry in entries if not _is_folder(entry))
        waiting += [here / name for name in reversed(folders) if not os.path.islink(here / name)]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def _matching(pattern: Path, leave_out: str) -> list[Source]:
    """Glob's `**` follows links to folders, without end where they lead back; this one does not."""
    unreadable: list[Source] = []
    parts = pattern.parts
    if "**" in parts:
        first = parts.index("**")
        matches = [
            file
            for top in sorted(glob.glob(str(Path(*parts[:first]))))
            for file in _files_below(Path(top), leave_out, unreadable)
            if _fits(file.relative_to(top).parts, parts[first:])
        ]
    else:
        matches = [Path(match) for match in glob.glob(str(pattern))]
        matches = [match for match in matches if _has_ending(match) or not os.path.isdir(match)]
    files = sorted(match for match in matches if Path(leave_out) not in Path(os.path.realpath(match)).parents)
    base = _fixed_part(pattern)
    names = [file.relative_to(base) for file in files]
    if any(".." in name.parts for name in names):
        return _with_common_folder(files, pattern) + unreadable
    return [*(Source(file, output_name(name)) for file, name in zip(files, names, strict=True)), *unreadable]


def _fits(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == "**":
        return any(_fits(names[start:], patterns[1:]) for start in range(len(names) + 1))
    return bool(names) and fnmatch(names[0], patterns[0]) and _fits(names[1:], patterns[1:])


def _listed(path: Path) -> list[Path]:
    """The files of a CSV: the column of `COLUMNS`, or the only column, with or without a header."""
    rows = _rows(path)
    if not rows:
        return []
    header = [name.strip().lower() for name in rows[0]]
    column = next((header.index(name) for name in COLUMNS if name in header), None)
    if column is not None:
        rows = rows[1:]
    elif max(map(len, rows)) == 1:
        column = 0
    else:
        raise InputError(
            f"{path} has no column of paths",
            expected=f"a column named {' or '.join(COLUMNS)}, or a single column",
            got=f"columns {', '.join(rows[0])}",
        )
    named = [row[column].strip() for row in rows if len(row) > column and row[column].strip()]
    return [path.parent / os.path.expanduser(name) for name in named]


def _rows(path: Path) -> list[list[str]]:
    expected = "a CSV in UTF-8 with a column of paths"
    try:
        data = read_bytes(path, LARGEST_LIST)
        if b"\0" in data or data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise InputError(
                f"{path} cannot be read", expected=expected, got="UTF-16 or no text", fix="save it as CSV UTF-8"
            )
        return [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) if any(row)]
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} cannot be read", expected=expected, got=f"another encoding: {error}", fix="save it as CSV UTF-8"
        ) from error
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path} cannot be read: {reason or error}", expected=expected) from error


def _with_common_folder(files: list[Path], named_by: Path) -> list[Source]:
    """Files from anywhere, named by their place below the folder that holds them all."""
    folders = {file: _unusable(file, f"{file} is a folder") for file in files if file.name in ("", "..")}
    places = [file for file in files if file not in folders]
    leads_back = any(".." in file.parts for file in places)
    # a `..` after a link to a folder leads elsewhere than it looks; then no path is taken as it looks
    above = [os.path.realpath(file.parent) if leads_back else os.path.abspath(file.parent) for file in places]
    try:
        base = os.path.commonpath(above) if above else ""
    except ValueError as error:
        raise InputError(f"the files that {named_by} names lie on several disks: {error}") from error
    names = {
        file: output_name(PurePath(os.path.relpath(folder, base)) / file.name)
        for file, folder in zip(places, above, strict=True)
    }
    return [folders[file] if file in folders else Source(file, names[file]) for file in files]


def _unusable(path: Path, problem: str) -> Source:
    return Source(path, PurePath("unusable"), InputError(problem, expected="a file, or a folder that can be searched"))


def _fixed_part(pattern: Path) -> Path:
    """The folders before the first wildcard."""
    parts = pattern.parts
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[: min(first, len(parts) - 1)])


def _has_ending(path: Path) -> bool:
    return path.name.lower().endswith((*SUFFIXES, ".ppm.gz"))


def _not_there(path: Path) -> InputError:
    folder = path.parent
    try:
        names = sorted(os.listdir(folder))
        got = f"{folder} has {len(names)} entries"
    except (OSError, ValueError):
        names = []
        got = f"no folder {folder}" if not os.path.isdir(folder) else f"{folder} cannot be searched"
    return InputError(
        f"there is no {path}",
        expected="an image, a folder, a pattern such as 'photos/*.jpg', or a CSV of paths",
        got=got,
        fix=did_you_mean(path.name, names) if len(names) <= 1000 and names else f"paths start at {Path.cwd()}",
    )


_ENDINGS = " ".join((*SUFFIXES, ".ppm.gz"))
