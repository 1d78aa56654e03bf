"""Which sources are predicted, and which must not be: no output replaces an input, another output, or a user's file."""

import os
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path, PurePath

import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.core.real_paths import RealPaths
from fundus_unet.inference.outputs import ALL_ENDINGS, Outputs
from fundus_unet.inference.sources import Source, SourceList, repeats

Identity = str | tuple[int, int]


def planned(sources: SourceList, outputs: Outputs, overwrite: bool) -> Iterator[bool]:
    """Whether each source in turn is done: its outputs are there, as these settings make them.

    One whose outputs may not be written is given a problem.
    """
    owners, check = _owners(sources), _Check(sources, outputs, overwrite)
    for index, source in enumerate(sources):
        done = False
        if source.problem is None:
            try:
                if index in owners:
                    raise InputError(
                        f"its outputs would overwrite those of {sources.path(owners[index])}",
                        fix="rename one of the two, or predict them into different folders (out_dir)",
                    )
                done = check(source)
            except InputError as error:
                sources.set_problem(index, error)
        yield done


def is_done(source: Source, outputs: Outputs) -> bool:
    """Whether its outputs are there, as these settings make them."""
    return source.problem is None and outputs.exist(source.name)


def _owners(sources: SourceList) -> dict[int, int]:
    """Sources whose name an earlier one has: by index, with the index of that one."""
    keys = array("q", (hash(_key(index, source)) for index, source in enumerate(sources)))
    return {
        index: first for index, first in repeats(keys) if _key(index, sources[index]) == _key(first, sources[first])
    }


class _Check:
    """Looks at one source after another. In a folder of outputs that is not there it looks for none."""

    def __init__(self, sources: SourceList, outputs: Outputs, overwrite: bool) -> None:
        self._sources, self._outputs, self._overwrite = sources, outputs, overwrite
        self._real = RealPaths()
        self._folder: PurePath | None = None
        self._kinds: list[str] = []
        self._is_inside = False
        self._inputs = array("q")

    def __call__(self, source: Source) -> bool:
        """Whether it is done.

        Raises:
            InputError: Where its outputs may not be written.
        """
        if source.name.parent != self._folder:
            self._look_into(source.name.parent)
        places = {kind: self._outputs.path(kind, source.name) for kind in self._kinds}
        there = {kind: path for kind, path in places.items() if os.path.lexists(path)}
        done = False
        if there:
            self._check_is_no_output(source, list(there.values()))
            self._outputs.check_owner(source, self._real(source.path))
            done = self._outputs.exist(source.name)
        if self._overwrite or not done:
            self._check_replaces_no_input([path for kind, path in there.items() if kind in self._outputs.written])
            if there or not self._is_inside:
                self._outputs.check(source)
        return done

    def _look_into(self, folder: PurePath) -> None:
        outputs = self._outputs
        self._folder = folder
        self._kinds = [kind for kind in ALL_ENDINGS if os.path.lexists(outputs.folder / kind / folder)]
        self._is_inside = all(outputs.is_inside(outputs.folder / kind / folder) for kind in outputs.written)

    def _check_is_no_output(self, source: Source, paths: list[Path]) -> None:
        if _is_one_of(source.path, paths):
            raise InputError(
                f"{source.path} lies where its own outputs belong",
                fix="choose another out_dir, or predict the original image",
            )

    def _check_replaces_no_input(self, paths: list[Path]) -> None:
        if paths and not self._inputs:
            numbers = (hash(identity) for source in self._sources for identity in _identities(source.path))
            self._inputs = array("q", np.sort(np.fromiter(numbers, np.int64)).tobytes())
        for path in paths:
            if any(self._is_input(identity) for identity in _identities(path)):
                raise InputError(
                    f"its output {path} would replace one of the images to predict",
                    fix="choose another out_dir, or leave out one of the two",
                )

    def _is_input(self, identity: Identity) -> bool:
        place = bisect_left(self._inputs, hash(identity))
        return self._inputs[place : place + 1] == array("q", [hash(identity)])


def _key(index: int, source: Source) -> str | int:
    """Equal for sources of one name; one with a problem has none."""
    return index if source.problem is not None else _as_some_disks_see_it(source.name)


def _as_some_disks_see_it(name: PurePath) -> str:
    """Some do not tell a from A, and some not the two ways to write an accent."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", str(name)).casefold())


def _is_one_of(path: Path, others: list[Path]) -> bool:
    own = _status(path)
    for other in others:
        status = _status(other)
        if own and status and own.st_ino:
            is_same = os.path.samestat(own, status)
        else:
            is_same = os.path.normcase(os.path.realpath(path)) == os.path.normcase(os.path.realpath(other))
        if is_same:
            return True
    return False


def _status(path: Path) -> os.stat_result | None:
    """Of the file that a path leads to; some disks give its number as 0."""
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def _identities(path: Path) -> Iterator[Identity]:
    """What two paths of one file have in common: the path without links, and the file on its disk."""
    yield os.path.normcase(os.path.realpath(path))
    status = _status(path)
    if status and status.st_ino:
        yield status.st_dev, status.st_ino
