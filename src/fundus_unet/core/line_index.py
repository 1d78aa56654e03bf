"""Find lines about a thing in files with millions of them, which stay on the disk."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

_FILE = 2**44
"""Bytes that a file may have."""


class Line(NamedTuple):
    """Where a line begins, in which of several files, and a number that whoever added it wants to know of it."""

    file: int
    start: int
    note: int


class LineIndex:
    """Lines by key, 24 bytes of memory each.

    Of a key only a number of 64 bits is kept. In a million keys two have the same once in 40 million times.
    """

    def __init__(self) -> None:
        self._keys, self._places, self._notes = array("q"), array("q"), array("q")
        self._sorted = True

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, line: Line) -> None:
        self._keys.append(hash(key))
        self._places.append(line.file * _FILE + line.start)
        self._notes.append(line.note)
        self._sorted = False

    def of(self, key: str) -> list[Line]:
        """The lines of a key in the order they were added."""
        self._sort()
        number, found = hash(key), []
        position = bisect_left(self._keys, number)
        while position < len(self._keys) and self._keys[position] == number:
            found.append(self._line(position))
            position += 1
        return found

    def newest_of_others(self, keys: Iterable[str]) -> Iterator[Line]:
        """The last line of every key but these, in the order of files and lines."""
        self._sort()
        numbers = np.array(self._keys, np.int64)
        last = np.flatnonzero(np.append(numbers[1:] != numbers[:-1], True)[: len(numbers)])
        others = last[~np.isin(numbers[last], np.fromiter((hash(key) for key in keys), np.int64))]
        for position in others[np.argsort(np.array(self._places, np.int64)[others])]:
            yield self._line(int(position))

    def _line(self, position: int) -> Line:
        return Line(*divmod(self._places[position], _FILE), self._notes[position])

    def _sort(self) -> None:
        if not self._sorted:
            order = np.argsort(np.array(self._keys, np.int64), kind="stable")
            self._keys, self._places, self._notes = (
                array("q", np.array(column, np.int64)[order].tobytes())
                for column in (self._keys, self._places, self._notes)
            )
            self._sorted = True
