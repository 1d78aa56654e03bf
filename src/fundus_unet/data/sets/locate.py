"""Find the files of a published dataset on the user's disk, and say what to do where they are not."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.invocation import command
from fundus_unet.data.download.addresses import PUBLISHED

T = TypeVar("T")


@dataclass(frozen=True)
class Origin:
    """What an error says about a published dataset that is not there."""

    name: str
    folders: tuple[str, ...]  # its usual folder names; the first is the one below paths.data_dir
    obtained: str  # where it is obtained, in words
    option: str  # data=...

    @classmethod
    def of(cls, option: str) -> "Origin":
        """Of a set in the table of addresses."""
        row = PUBLISHED[option]
        return cls(row.name, row.folders, row.where, option)

    @property
    def advice(self) -> str:
        return (
            f"get {self.name} from {self.obtained}, then set paths.data_dir=/folder/that/contains/{self.folders[0]}; "
            f"or give this command: {command('data get', self.option)}"
        )


class DatasetFiles:
    """The files of one published dataset, found whatever the case of their names (`01_dr.JPG`, `01_dr.jpg`).

    A file is asked for by one or more paths below the root, the usual one first. `root` is the dataset's folder,
    under any of its usual names, or the parent: the first is taken that holds any of the `expected` files.
    """

    def __init__(self, root: str | Path, origin: Origin, expected: Sequence[Sequence[str]]) -> None:
        self.origin = origin
        self._listings: dict[Path, dict[str, Path]] = {}
        given = Path(root).expanduser().absolute()
        self._given = given
        inside = [given / folder for folder in origin.folders]
        beside = [given.with_name(folder) for folder in origin.folders] if given.name in origin.folders else []
        for candidate in (given, *inside, *beside):
            self.root = candidate
            if any(self.find(*paths) for paths in expected):
                return
        self.root = given

    def find(self, *paths: str) -> Path | None:
        """The first of these files that exists."""
        return next((found for found in map(self._resolve, paths) if found is not None), None)

    def require(self, *paths: str) -> Path:
        """The first of these files that exists.

        Raises:
            InputError: That names the folder searched, the missing file, where the dataset is obtained and what to
                set.
        """
        found = self.find(*paths)
        if found is None:
            raise self._missing(paths)
        return found

    def all_or_none(self, wanted: Sequence[Sequence[str]]) -> list[Path] | None:
        """One file for each entry, or None where there is not a single one: a part that is left out as a whole.

        Raises:
            InputError: That names the first missing file where some are there, since that is a broken copy.
        """
        if not any(self.find(*paths) for paths in wanted):
            return None
        return [self.require(*paths) for paths in wanted]

    def _resolve(self, path: str) -> Path | None:
        found = self.root
        for part in path.split("/"):
            inside = self._listing(found).get(part.lower())
            if inside is None:
                return None
            found = inside
        return found if found.is_file() else None

    def _listing(self, folder: Path) -> dict[str, Path]:
        if folder not in self._listings:
            self._listings[folder] = {name.lower(): folder / name for name in list_folder(folder)}
        return self._listings[folder]

    def _missing(self, paths: Sequence[str]) -> InputError:
        entries = list_folder(self.root)
        if not self.root.is_dir():
            got = "no such folder"
        elif not entries:
            got = "an empty folder"
        else:
            got = f"a folder of {len(entries)}: {', '.join(entries[:4])}{', ...' if len(entries) > 4 else ''}"
        others = f" (or {', '.join(paths[1:])})" if len(paths) > 1 else ""
        also = f" (nor in a folder {' or '.join(self.origin.folders)} there)" if self.root == self._given else ""
        return InputError(
            f"{self.origin.name}: {paths[0]} is not in {self.root}{also}",
            expected=f"the file {self.root / paths[0]}{others}",
            got=got,
            fix=self.origin.advice,
        )


def list_folder(folder: Path) -> list[str]:
    """The sorted names in a folder; none where it is absent or no folder."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be listed", got=error, fix="check its permissions") from error


def pick_split(dataset: str, split: str, options: Mapping[str, T]) -> T:
    """The option called `split`.

    Raises:
        InputError: That suggests the nearest name.
    """
    if split not in options:
        raise InputError(
            f"{dataset} has no split {split!r}",
            expected=f"one of {', '.join(options)}",
            got=repr(split),
            fix=did_you_mean(str(split), options),
        )
    return options[split]
