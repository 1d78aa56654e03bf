"""Find the files of a published dataset on the user's disk, and say what to do where they are not."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.download.addresses import PUBLISHED
from fundus_unet.data.download.get_command import get_command
from fundus_unet.data.images.decoding import SUFFIXES

T = TypeVar("T")
LOSSY = (".jpg", ".jpeg")
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".tar.gz", ".tgz")


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

    def advice(self, data_dir: Path | None = None) -> str:
        """What to do where the set is not there.

        Args:
            data_dir: Where it is looked for; None: the usual folder.
        """
        row = PUBLISHED[self.option]
        obtained = f"get {self.name} from {self.obtained}"
        elsewhere = f"set paths.data_dir=/folder/that/contains/{self.folders[0]}"
        if row.archives:
            return f"{obtained}, then {elsewhere}; or give this command: {get_command(row, data_dir)}"
        return f"if you have it, {elsewhere}; else {obtained}, then give this command: {get_command(row, data_dir)}"


class DatasetFiles:
    """The files of one published dataset, found whatever the case of their names (`01_dr.JPG`, `01_dr.jpg`).

    A file is asked for by one or more paths below the root, the usual one first. `root` is the dataset's folder,
    under any of its usual names, or the parent: the first is taken that holds any of the `expected` files, or of the
    folders `or_folders`. An archive may have wrapped the folder in one of the same or another usual name, or of those
    `also_called`.
    """

    def __init__(
        self,
        root: str | Path,
        origin: Origin,
        expected: Sequence[Sequence[str]] = (),
        or_folders: Sequence[str] = (),
        also_called: Sequence[str] = (),
    ) -> None:
        self.origin = origin
        self._usual = (*origin.folders, *also_called)
        self._listings: dict[Path, dict[str, Path]] = {}
        given = Path(root).expanduser().absolute()
        self._given = given
        inside = self._usual_folders([given])
        beside = self._usual_folders([given.parent]) if given.name in self._usual else []
        for candidate in dict.fromkeys([given, *inside, *beside, *self._usual_folders([*inside, *beside])]):
            self.root = candidate
            if self.has_any(expected) or any(map(self._folder, or_folders)):
                self._is_partly_there = True
                return
        self.root = given
        self._is_partly_there = False

    @property
    def advice_for_the_whole(self) -> str:
        """What to do where a part of the set is there: the command that gets it would leave that as it is."""
        row = PUBLISHED[self.origin.option]
        return f"for the whole set move {self.root} away, then give this command: {get_command(row, self._data_dir)}"

    @property
    def _data_dir(self) -> Path | None:
        """The `paths.data_dir` that the given folder is in; None where it has another name than the set's."""
        return self._given.parent if self._given.name in self.origin.folders else None

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
            raise self.missing(paths)
        return found

    def has_any(self, wanted: Iterable[Sequence[str]]) -> bool:
        """Whether a single one of these is there: a part may be left out as a whole, and else is a broken copy."""
        return any(self.find(*paths) for paths in wanted)

    def _resolve(self, path: str) -> Path | None:
        found = self._existing(path)
        return found if found is not None and found.is_file() else None

    def has_folder(self, path: str) -> bool:
        """Whether there is such a folder below the root."""
        return self._folder(path) is not None

    def _folder(self, path: str) -> Path | None:
        found = self._existing(path)
        return found if found is not None and found.is_dir() else None

    def _existing(self, path: str) -> Path | None:
        found = self.root
        for part in path.split("/"):
            inside = self._listing(found).get(part.lower())
            if inside is None:
                return None
            found = inside
        return found

    def _listing(self, folder: Path) -> dict[str, Path]:
        if folder not in self._listings:
            self._listings[folder] = {name.lower(): folder / name for name in list_folder(folder)}
        return self._listings[folder]

    def names(self, folder: str, suffixes: Sequence[str]) -> list[str]:
        """The sorted stems of a folder's files below the root; none where it is absent."""
        found = self._folder(folder)
        shown = [name for name in list_folder(found) if not name.startswith(".")] if found else []
        return [name.rpartition(".")[0] for name in shown if name.lower().endswith(tuple(suffixes))]

    def _usual_folders(self, places: Iterable[Path]) -> list[Path]:
        """The folders inside of these that have a usual name, in whatever case."""
        found: dict[Path, None] = {}
        for place in places:
            names = {name.lower(): name for name in _listed_if_allowed(place)}
            for folder in self._usual:
                found[place / names.get(folder.lower(), folder)] = None
        return [path for path in found if path.is_dir()]

    def missing(self, paths: Sequence[str]) -> InputError:
        """The error that says which file is not there, and what to do."""
        other = self._in_other_format(paths)
        if other is not None:
            return self._of_other_format(paths, other)
        entries = list_folder(self.root)
        if not self.root.is_dir():
            got = "no such folder"
        elif not entries:
            got = "an empty folder"
        else:
            got = f"a folder of {len(entries)}: {', '.join(entries[:4])}{', ...' if len(entries) > 4 else ''}"
        more = [*paths[1:3], *(["..."] if len(paths) > 3 else [])]
        others = f" (or {', '.join(more)})" if more else ""
        also = f" (nor in a folder {' or '.join(self.origin.folders)} there)" if self.root == self._given else ""
        packed = self._archives()
        if packed:
            got += f"; and the archive{'s' if len(packed) > 1 else ''} {', '.join(map(str, packed))}"
        return InputError(
            f"{self.origin.name}: {paths[0]} is not in {self.root}{also}",
            expected=f"the file {self.root / paths[0]}{others}",
            got=got,
            fix=self._unpacking(packed) if packed else self._advice(),
        )

    def _in_other_format(self, paths: Sequence[str]) -> Path | None:
        """A file at one of these paths but for its ending."""
        stems = dict.fromkeys(path.rpartition(".")[0] for path in paths)
        return self.find(*(f"{stem}{suffix}" for stem in stems for suffix in SUFFIXES))

    def _of_other_format(self, paths: Sequence[str], other: Path) -> InputError:
        endings = list(dict.fromkeys(f".{path.rpartition('.')[2]}" for path in paths))
        is_lossy = other.suffix.lower() in LOSSY
        beside = f"{other.name} is there, " + (
            "but JPEG changes the values of pixels" if is_lossy else "in another format"
        )
        fix = f"export it as {endings[0][1:].upper()}" + (" where it was made" if is_lossy else "")
        return InputError(
            f"{self.origin.name}: {paths[0]} is not in {self.root}; {beside}",
            expected=f"the file {self.root / paths[0]}",
            got=other,
            fix=f"{fix}, as {Path(paths[0]).name}",
        )

    def _advice(self) -> str:
        if self._is_partly_there:
            return f"copy what is missing into {self.root}; or, {self.advice_for_the_whole}"
        return self.origin.advice(self._data_dir)

    def _archives(self) -> list[Path]:
        """What may be the set, not yet unpacked: any archive in its folder, or one beside it that has its name."""
        inside = [self.root / name for name in list_folder(self.root) if name.lower().endswith(ARCHIVES)]
        own = [_letters(folder) for folder in self._usual]
        around = dict.fromkeys((self._given, self._given.parent))
        beside = [
            folder / name
            for folder in around
            for name in _listed_if_allowed(folder)
            if name.lower().endswith(ARCHIVES) and _letters(name.partition(".")[0]) in own
        ]
        return list(dict.fromkeys([*inside, *beside]))

    def _unpacking(self, packed: Sequence[Path]) -> str:
        source = list(map(str, packed))
        return f"unpack it: {get_command(PUBLISHED[self.origin.option], self._data_dir, source)}"


def variants(folders: Sequence[str], names: Sequence[str], endings: Sequence[str]) -> tuple[str, ...]:
    """Every path of a file that may lie in one of several folders (empty: the root), under several names."""
    paths = [f"{name}{ending}" for name in names for ending in endings]
    return tuple(f"{folder}/{path}" if folder else path for folder in folders for path in paths)


def _letters(text: str) -> str:
    """Without case and punctuation: `CHASE_DB1` is `CHASEDB1.zip`."""
    return re.sub(r"[\W_]+", "", text.lower())


def list_folder(folder: Path) -> list[str]:
    """The sorted names in a folder; none where it is absent or no folder."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be listed", got=error, fix="check its permissions") from error


def _listed_if_allowed(folder: Path) -> list[str]:
    """As `list_folder`, for a folder above or beside the data that may be closed to this user."""
    try:
        return list_folder(folder)
    except InputError:
        return []


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
