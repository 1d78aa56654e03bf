"""Sources come back as they were, and a million of them fit into memory."""

import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.inference.sources import Source, SourceList

SOURCES = [
    Source(Path("photos/a.png"), PurePath("a")),
    Source(Path("/far/photos/deep/é x.ppm.gz"), PurePath("deep/é x")),
    Source(Path("link/../b.png"), PurePath("elsewhere/b")),
    Source(Path("\udcff\n.png"), PurePath("\udcff\n")),
    Source(Path("/"), PurePath("unusable"), InputError("it is a folder", expected="a file", fix="name one")),
    Source(Path("a"), PurePath("a")),
]


def told(source: Source) -> tuple[Path, PurePath, str | None]:
    return source.path, source.name, source.problem and str(source.problem)


def test_they_come_back() -> None:
    found = SourceList(SOURCES)
    assert len(found) == len(SOURCES)
    assert list(map(told, found)) == list(map(told, SOURCES))
    assert list(found.paths()) == [str(source.path) for source in SOURCES]
    assert told(found[-2]) == told(SOURCES[-2])
    assert list(map(told, found[4:0:-2])) == list(map(told, SOURCES[4:0:-2]))
    assert list(map(told, pickle.loads(pickle.dumps(found)))) == list(map(told, SOURCES))
    with pytest.raises(IndexError):
        found[len(SOURCES)]
    assert list(SourceList()) == []


def test_a_problem_that_is_found_later() -> None:
    found = SourceList(SOURCES)
    found.set_problem(1, InputError("it is in the way"))
    assert [index for index, source in enumerate(found) if source.problem] == [1, 4]
    assert [str(source.problem) for source in found.of([0, 1])] == ["None", "it is in the way"]


def test_an_image_takes_little_memory() -> None:
    count, folder = 10_000, "/data/screening/2026/site_12/patient_{:05d}/left_eye_{:05d}.png"

    def sources() -> Iterator[Source]:
        for number in range(count):
            yield Source(Path(folder.format(number, number)), PurePath(f"patient_{number:05d}/left_eye_{number:05d}"))

    taken = []
    for _ in range(
        3
    ):  # the least of it: python's table of interned strings, which has the parts of paths, grows at any time
        tracemalloc.start()
        found = SourceList(sources())
        taken.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        assert len(found) == count
    assert min(taken) / count < len(folder) + 24 + 40  # what the growing text holds in reserve
