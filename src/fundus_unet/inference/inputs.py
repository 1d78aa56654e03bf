"""Which images a user means: a file, a folder, a glob, a CSV of paths, or several of these."""

import csv
import glob
import io
import itertools
import os
from array import array
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePath

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import open_regular
from fundus_unet.core.real_paths import RealPaths
from fundus_unet.data.images.decoding import SUFFIXES
from fundus_unet.inference.sources import Source, SourceList, repeats

COLUMNS = ("path", "image", "file", "filename")


def find_images(images: str | Sequence[str], leave_out: Path) -> SourceList:
    """Every image that `images` names, in sorted order per entry, each file once.

    Args:
        A folder is searched with its subfolders, links to folders excepted, for files that end in one of
        `SUFFIXES`; a file that is named itself is taken whatever its name. Nothing below `leave_out`, the outputs'
        folder, is taken from a folder or glob. What is named and is no file, and what cannot be searched, is a
        source with a problem, or one that cannot be read.

    Raises:
        InputError: For an entry that is not there or has no image in it, or a CSV without a column of paths.
    """
    found, files, real = SourceList(), array("q"), RealPaths()
    for entry in [images] if isinstance(images, str) else images:
        sources, got = _entry(str(entry), os.path.realpath(leave_out))
        before = len(found)
        for source in sources:
            found.append(source)
            files.append(hash(real(source.path)))
        if len(found) == before:
            raise InputError(f"there are no images in {entry}", expected=f"files that end in {_ENDINGS}", got=got)
    again = {index for index, first in repeats(files) if real(found.path(index)) == real(found.path(first))}
    return found.of(index for index in range(len(found)) if index not in again) if again else found


def output_name(path: PurePath) -> PurePath:
    """The path without the suffix of an image, also without both of `.ppm.gz`."""
    name = path.name.removesuffix(".gz") if path.name.lower().endswith(".ppm.gz") else path.name
    stem = PurePath(name).stem
    return path.with_name(stem if stem.strip(".") else name)  # `..png` has a point for a stem


def _entry(entry: str, leave_out: str) -> tuple[Iterable[Source], str]:
    """What one entry names, and what it is where it names nothing."""
    path = Path(os.path.expanduser(entry))
    if os.path.isdir(path):
        return _in_folder(path, leave_out), "no such file in it or its subfolders"
    if os.path.lexists(path) and path.suffix.lower() == ".csv":
        return _with_common_folder(_listed(path), path), "a CSV without rows"
    if os.path.lexists(path):
        return [Source(path, output_name(PurePath(path.name)))], ""
    if glob.has_magic(entry):
        return _matching(path, leave_out), "a pattern that no file matches"
    raise _not_there(path)


def _in_folder(folder: Path, leave_out: str) -> Iterator[Source]:
    unreadable: list[Source] = []
    for file in _files_below(folder, leave_out, unreadable):
        if _has_ending(file.name):
            yield Source(file, output_name(file.relative_to(folder)))
    yield from unreadable


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
            files, folders = _entries(here)
        except OSError as error:
            unreadable.append(_unusable(here, f"{here} cannot be searched: {error.strerror or error}"))
            continue
        yield from (here / name for name in files)
        waiting += [here / name for name in reversed(folders) if not os.path.islink(here / name)]


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of what is no folder, and of folders, in order; what is hidden is left out."""
    files: list[str] = []
    folders: list[str] = []
    with os.scandir(folder) as found:
        for entry in found:
            if not entry.name.startswith("."):
                (folders if _is_folder(entry) else files).append(entry.name)
    return sorted(files), sorted(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads in a circle
        return False


def _matching(pattern: Path, leave_out: str) -> Iterator[Source]:
    """Glob's `**` follows links to folders, without end where they lead back; this one does not."""
    unreadable: list[Source] = []
    parts = pattern.parts
    if "**" in parts:
        first = parts.index("**")
        matches = [
            str(file)
            for top in sorted(glob.glob(str(Path(*parts[:first]))))
            for file in _files_below(Path(top), leave_out, unreadable)
            if _fits(file.relative_to(top).parts, parts[first:])
        ]
    else:
        matches = [str(Path(match)) for match in glob.iglob(str(pattern))]
        matches = [match for match in matches if _has_ending(match) or not os.path.isdir(match)]
    real, below = RealPaths(), os.path.join(leave_out, "")
    files = [match for match in matches if not real(match).startswith(below)]
    files.sort(key=lambda file: file.replace(os.sep, "\0"))  # a folder's files stay together
    base = _fixed_part(pattern)
    if any(os.pardir in PurePath(file).relative_to(base).parts for file in files):
        yield from _with_common_folder(files, pattern)
    else:
        yield from (Source(Path(file), output_name(PurePath(file).relative_to(base))) for file in files)
    yield from unreadable


def _fits(names: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return not names
    if patterns[0] == "**":
        return any(_fits(names[start:], patterns[1:]) for start in range(len(names) + 1))
    return bool(names) and fnmatch(names[0], patterns[0]) and _fits(names[1:], patterns[1:])


def _listed(path: Path) -> list[str]:
    """The files of a CSV: the column of `COLUMNS`, or the only column, with or without a header."""
    rows = _rows(path)
    header = next(rows, [])
    names = [name.strip().lower() for name in header]
    column = next((names.index(name) for name in COLUMNS if name in names), None)
    if column is None:
        rows = _of_one_column(itertools.chain([header], rows), path)
    named = (row[column or 0].strip() for row in rows if len(row) > (column or 0))
    return [str(path.parent / os.path.expanduser(name)) for name in named if name]


def _of_one_column(rows: Iterable[list[str]], path: Path) -> Iterator[list[str]]:
    first: list[str] = []
    for row in rows:
        first = first or row
        if len(row) > 1:
            raise InputError(
                f"{path} has no column of paths",
                expected=f"a column named {' or '.join(COLUMNS)}, or a single column",
                got=f"columns {', '.join(first)}",
            )
        yield row


def _rows(path: Path) -> Iterator[list[str]]:
    expected = "a CSV in UTF-8 with a column of paths"
    try:
        with open_regular(path) as file:
            for row in csv.reader(io.TextIOWrapper(_no_utf_16(file, path, expected), "utf-8-sig", newline="")):
                if any("\0" in cell for cell in row):
                    raise _no_text(path, expected)
                if any(row):
                    yield row
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} cannot be read", expected=expected, got=f"another encoding: {error}", fix="save it as CSV UTF-8"
        ) from error
    except (OSError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path} cannot be read: {reason or error}", expected=expected) from error


def _no_utf_16(file: io.BufferedReader, path: Path, expected: str) -> io.BufferedReader:
    begin = file.peek()
    if b"\0" in begin or begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _no_text(path, expected)
    return file


def _no_text(path: Path, expected: str) -> InputError:
    got = "UTF-16 or no text"
    return InputError(f"{path} cannot be read", expected=expected, got=got, fix="save it as CSV UTF-8")


def _with_common_folder(files: list[str], named_by: Path) -> Iterator[Source]:
    """Files from anywhere, named by their place below the folder that holds them all."""
    leads_back = any(os.pardir in PurePath(file).parts for file in files if _is_named(file))
    # a `..` after a link to a folder leads elsewhere than it looks; then no path is taken as it looks
    place = os.path.realpath if leads_back else os.path.abspath
    folders = {os.path.dirname(file): "" for file in files if _is_named(file)}
    folders = {folder: place(folder) for folder in folders}
    try:
        base = os.path.commonpath(folders.values()) if folders else ""
    except ValueError as error:
        raise InputError(f"the files that {named_by} names lie on several disks: {error}") from error
    below = {folder: PurePath(os.path.relpath(path, base)) for folder, path in folders.items()}
    for file in files:
        if _is_named(file):
            path = Path(file)
            yield Source(path, output_name(below[os.path.dirname(file)] / path.name))
        else:
            yield _unusable(Path(file), f"{file} is a folder")


def _is_named(file: str) -> bool:
    return os.path.basename(file) not in ("", os.pardir, os.curdir)


def _unusable(path: Path, problem: str) -> Source:
    return Source(path, PurePath("unusable"), InputError(problem, expected="a file, or a folder that can be searched"))


def _fixed_part(pattern: Path) -> Path:
    """The folders before the first wildcard."""
    parts = pattern.parts
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[: min(first, len(parts) - 1)])


def _has_ending(file: str) -> bool:
    return file.lower().endswith((*SUFFIXES, ".ppm.gz"))


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
