"""The images of a batch, one or a million."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import overload

import numpy as np

from fundus_unet.core.errors import InputError


@dataclass(frozen=True)
class Source:
    """One image to predict.

    `name` is its path below what the user named, without suffix: outputs keep it, below their own folder. It is
    relative and has no `..`. `problem` is what is known to be wrong before the image is read.
    """

    path: Path
    name: PurePath
    problem: InputError | None = None


class SourceList(Sequence[Source]):
    """Sources kept as text: a path and 24 bytes for each. The objects, ten times as large, are made when asked for."""

    def __init__(self, sources: Iterable[Source] = ()) -> None:
        self._text = bytearray()
        self._bounds = array("Q")
        """Of each source: where its path ends, and its name begins and ends, which is a part of the path as a rule."""
        self._problems: dict[int, InputError] = {}
        for source in sources:
            self.append(source)

    def append(self, source: Source) -> None:
        path, name = _encoded(source.path), _encoded(source.name)
        begin, inside = len(self._text), path.rfind(name)
        self._text += path if inside >= 0 else path + name
        end = begin + len(path)
        start = begin + inside if inside >= 0 else end
        self._bounds.extend((end, start, start + len(name)))
        if source.problem is not None:
            self.set_problem(len(self) - 1, source.problem)

    def set_problem(self, index: int, problem: InputError) -> None:
        """Have the source at `index` be one that cannot be predicted."""
        self._problems[index] = problem

    def __len__(self) -> int:
        return len(self._bounds) // 3

    @overload
    def __getitem__(self, index: int) -> Source: ...
    @overload
    def __getitem__(self, index: slice) -> "SourceList": ...
    def __getitem__(self, index: int | slice) -> "Source | SourceList":
        if isinstance(index, slice):
            return self.of(range(*index.indices(len(self))))
        index = range(len(self))[index]
        _, start, end = self._bounds[3 * index : 3 * index + 3]
        return Source(Path(self.path(index)), PurePath(_decoded(self._text[start:end])), self._problems.get(index))

    def of(self, indices: Iterable[int]) -> "SourceList":
        """Those of some indices."""
        return SourceList(self[index] for index in indices)

    def path(self, index: int) -> str:
        """The path of a source as text, without the object."""
        begin = max(self._bounds[3 * index - 3 : 3 * index], default=0)
        return _decoded(self._text[begin : self._bounds[3 * index]])

    def paths(self) -> Iterator[str]:
        return map(self.path, range(len(self)))


def repeats(numbers: "array[int]") -> Iterator[tuple[int, int]]:
    """Where a number is one that came before: its index, and that of the first of them."""
    _, first, same = np.unique(np.array(numbers, np.int64), return_index=True, return_inverse=True)
    firsts = first[same]
    for index in np.flatnonzero(firsts != np.arange(len(firsts))):
        yield int(index), int(firsts[index])


def _encoded(path: PurePath) -> bytes:
    return str(path).encode("utf-8", "surrogatepass")


def _decoded(text: bytearray) -> str:
    return text.decode("utf-8", "surrogatepass")
