"""Which photographs a user means: a file, a folder, a glob, a CSV of paths, or several of these."""

import csv
import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.decoding import SUFFIXES

COLUMNS = ("path", "image", "file", "filename", "photograph")


@dataclass(frozen=True)
class Source:
    """One photograph to predict.

    `name` is its path below what the user named, without suffix: outputs keep it.
    """

    path: Path
    name: PurePath


def find_photographs(images: str | Sequence[str], leave_out: Path) -> list[Source]:
    """Every photograph that `images` names, in sorted order per entry, each file once.

    Args: a folder is searched with its subfolders for files that end in one of `SUFFIXES`; a file that is named itself
    is taken whatever its name. Nothing below `leave_out`, the outputs' folder, is taken from a folder or glob.
    Raises: `InputError` for an entry that is not there or has no photograph in it, or a CSV without a column of paths.
    """
    found: dict[Path, Source] = {}
    for entry in [images] if isinstance(images, str) else images:
        for source in _entry(str(entry), leave_out.resolve()):
            found.setdefault(source.path.resolve(), source)
    return list(found.values())


def output_name(path: PurePath) -> PurePath:
    """The path without the suffix of an image, also without both of `.ppm.gz`."""
    name = path.name.removesuffix(".gz") if path.name.lower().endswith(".ppm.gz") else path.name
    return path.with_name(PurePath(name).stem)


def _entry(entry: str, leave_out: Path) -> list[Source]:
    path = Path(entry).expanduser()
    if path.is_dir():
        files, base = list(_photographs_below(path, leave_out)), path
        got = "no such file in it or its subfolders"
    elif path.is_file() and path.suffix.lower() == ".csv":
        files = _listed(path)
        base = _common_folder(files)
        got = "a CSV without rows"
    elif path.is_file():
        return [Source(path, output_name(PurePath(path.name)))]
    elif glob.has_magic(entry):
        matches = (Path(match) for match in sorted(glob.glob(str(path), recursive=True)))
        files = [match for match in matches if match.is_file() and not _is_below(match, leave_out)]
        base, got = _fixed_part(path), "a pattern that no file matches"
    else:
        raise _not_there(path)
    if not files:
        raise InputError(f"there are no photographs in {entry}", expected=f"files that end in {_ENDINGS}", got=got)
    return [Source(file, output_name(_below(file, base))) for file in files]


def _photographs_below(folder: Path, leave_out: Path) -> Iterator[Path]:
    for current, folders, files in os.walk(folder):
        here = Path(current)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (here / name).resolve() != leave_out
        )
        if here.resolve() == leave_out:
            continue
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith((*SUFFIXES, ".ppm.gz")):
                yield here / name


def _listed(path: Path) -> list[Path]:
    """The files of a CSV: the column of `COLUMNS`, or the only column, with or without a header."""
    try:
        rows = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}", expected="a CSV with a column of paths") from error
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
    named = (Path(row[column].strip()).expanduser() for row in rows if len(row) > column and row[column].strip())
    return [file if file.is_absolute() else path.parent / file for file in named]


def _common_folder(files: list[Path]) -> Path:
    return Path(os.path.commonpath([file.absolute().parent for file in files])) if files else Path()


def _fixed_part(pattern: Path) -> Path:
    """The folders before the first wildcard."""
    parts = pattern.parts
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[: min(first, len(parts) - 1)])


def _below(file: Path, base: Path) -> PurePath:
    return PurePath(os.path.relpath(file.absolute(), base.absolute()))


def _is_below(file: Path, folder: Path) -> bool:
    return folder in file.resolve().parents


def _not_there(path: Path) -> InputError:
    folder = path.parent
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    return InputError(
        f"there is no {path}",
        expected="a photograph, a folder, a pattern such as 'photos/*.jpg', or a CSV of paths",
        got=f"{folder} has {len(names)} entries" if folder.is_dir() else f"no folder {folder}",
        fix=did_you_mean(path.name, names) if len(names) <= 1000 and names else f"paths start at {Path.cwd()}",
    )


_ENDINGS = " ".join((*SUFFIXES, ".ppm.gz"))
