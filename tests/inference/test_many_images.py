"""What a batch costs beside its images: in a few it is seen whether a million could be predicted."""

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.batch_prediction import BatchPrediction
from fundus_unet.inference.batch_report import Report
from fundus_unet.inference.inputs import find_images
from fundus_unet.inference.manifest import Manifest
from fundus_unet.inference.outputs import Outputs
from fundus_unet.inference.plan import is_done, planned
from fundus_unet.inference.predictor import Predictor
from fundus_unet.inference.record import OK, PREDICTIONS, SKIPPED, Record
from fundus_unet.inference.rows import TABLE, Rows
from fundus_unet.inference.sources import Source, SourceList
from fundus_unet.metrics.masks import Threshold

IDENTITY = {"model": "a", "weights": "b", "threshold": 0.5}
FOLDERS = 4


class Counted(nn.Module):
    """Dark is vessel; counts the images it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen += len(image)
        return -4 * image[:, 1:2] - 2


@pytest.fixture
def images(tmp_path: Path) -> Callable[[int], Path]:
    """So many links to one image, in some folders."""

    def make(count: int) -> Path:
        folder = tmp_path / f"images{count}"
        yy, xx = np.mgrid[:48, :48] - 23.5
        inside = (yy**2 + xx**2 < 22**2)[..., None]
        pixels = inside * np.array([40, 90, 160]) - inside * (np.abs(xx - yy) < 2)[..., None] * np.array([20, 60, 60])
        cv2.imwrite(str(tmp_path / "one.png"), pixels.astype(np.uint8))
        for number in range(count):
            path = folder / f"{number % FOLDERS}/{number:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(tmp_path / "one.png", path)
        return folder

    return make


class Batch:
    """One process's batch from its start, as `predict` begins it."""

    def __init__(self, folder: Path, out: Path, rank: int = 0, processes: int = 1) -> None:
        self.network = Counted()
        self.outputs = Outputs(out, ["mask", "probability"], manifest=Manifest(out, rank, "settings"))
        self.sources = find_images(str(folder), out)
        self.report = Report(out, self.sources, rank, processes)
        self.todo: list[int] = []

    def plan(self) -> "Batch":
        self.report.open(IDENTITY, False, self.outputs)
        for index, done in enumerate(planned(self.sources, self.outputs, False)):
            if done:
                self.report.keep(index)
            else:
                self.todo.append(index)
        self.report.begin()
        self.outputs.manifest.read_again()
        return self

    def run(self, some: list[int] | None = None) -> "Batch":
        predictor = Predictor(self.network, torch.device("cpu"), None)
        work = BatchPrediction(predictor, Preprocessor(scale=1), self.outputs, Threshold(0.5))
        with self.report.progress(len(self.todo)):
            work.run(self.sources.of(self.todo if some is None else some), self.report.add)
        return self

    def close(self) -> bool:
        return self.report.close(lambda source: is_done(source, self.outputs))


def rows(out: Path) -> list[Record]:
    found = Rows(out, PREDICTIONS)
    with found.reading():
        return list(found.of_others([]))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the system calls that ask for files."""
    calls: list[str] = []
    for name in ("lstat", "stat", "scandir", "listdir", "open"):
        call = getattr(os, name)

        def counted(*args, _name=name, _call=call, **options):
            calls.append(_name)
            return _call(*args, **options)

        monkeypatch.setattr(os, name, counted)
    return calls


def test_a_killed_batch_repeats_nothing(tmp_path: Path, images: Callable[[int], Path]) -> None:
    """Killed twice, with rows and claims of several processes; at the end each image has one row, with its numbers."""
    folder, out = images(20), tmp_path / "out"
    first = Batch(folder, out, processes=2).plan()
    other = Batch(folder, out, rank=1, processes=2)
    assert first.todo == list(range(20))
    first.run(first.todo[:9:2])  # the half of a half, and no close: a kill
    other.run(first.todo[1:9:2])
    second = Batch(folder, out).plan()
    assert second.todo == list(range(9, 20))
    second.run(second.todo[:5])
    with (out / ".journal_0.csv").open("a") as journal:
        journal.write("cut o")
    third = Batch(folder, out).plan().run()
    assert (first.network.seen, other.network.seen, second.network.seen, third.network.seen) == (5, 4, 5, 6)
    assert third.close()
    found = rows(out)
    assert [record.image for record in found] == list(third.sources.paths())
    assert {record.status for record in found} == {OK}
    assert len((out / TABLE).read_bytes().splitlines()) == 21
    assert not list(out.rglob(".*.part"))
    assert not list(out.glob(".journal*"))


def test_a_lost_row_is_told(tmp_path: Path, images: Callable[[int], Path]) -> None:
    folder, out = images(4), tmp_path / "out"
    Batch(folder, out).plan().run()
    lines = (out / ".journal_0.csv").read_text().splitlines()
    (out / ".journal_0.csv").write_text("\n".join(lines[:3]) + "\n")
    again = Batch(folder, out).plan()
    assert again.todo == []
    assert again.close()
    assert sorted(record.status for record in rows(out)) == [OK, OK, OK, SKIPPED]


def test_the_rows_of_a_process_that_goes_on_are_kept(tmp_path: Path, images: Callable[[int], Path]) -> None:
    """Ctrl-C reaches several processes; the first writes the table while another ends its last image."""
    folder, out = images(4), tmp_path / "out"
    first = Batch(folder, out, processes=2).plan().run([0])
    other = Batch(folder, out, rank=1, processes=2).run([1])
    first.report.close(lambda source: False, interrupted=True)
    other.run([3])
    assert len(rows(out)) == 3
    again = Batch(folder, out).plan()
    assert again.todo == [2]
    again.run().close()
    assert [record.status for record in rows(out)] == [OK] * 4


def test_beginning_asks_for_folders_and_not_for_files(
    tmp_path: Path, images: Callable[[int], Path], asked: list[str]
) -> None:
    counts = {}
    for count in (8, 40):
        folder, out = images(count), tmp_path / f"out{count}"
        asked.clear()
        batch = Batch(folder, out)
        assert asked.count("scandir") == FOLDERS + 1
        found = asked.count("lstat")
        batch.plan()
        assert len(batch.todo) == count
        counts[count] = found, len(asked)
    (few, few_in_all), (many, many_in_all) = counts.values()
    assert many - few == 40 - 8, "one for each file, which may be a link"
    assert many_in_all - few_in_all == 40 - 8, "planning asks for none of them"


def test_going_on_asks_as_often_for_every_image(
    tmp_path: Path, images: Callable[[int], Path], asked: list[str]
) -> None:
    counts = []
    for count in (8, 40, 72):
        folder, out = images(count), tmp_path / f"out{count}"
        Batch(folder, out).plan().run().close()
        batch = Batch(folder, out)
        asked.clear()
        batch.plan()
        assert batch.todo == []
        counts.append(len(asked))
    assert counts[2] - counts[1] == counts[1] - counts[0]
    assert counts[1] - counts[0] <= 32 * 10


def test_writing_lists_no_folder_and_rewrites_no_table(
    tmp_path: Path, images: Callable[[int], Path], asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Batch(images(12), tmp_path / "out").plan()
    asked.clear()
    batch.run()
    assert batch.network.seen == 12
    assert not {"scandir", "listdir"} & set(asked)
    assert not (tmp_path / "out" / TABLE).exists()
    batch.close()
    assert len(rows(tmp_path / "out")) == 12


def peak_of(count: int, out: Path) -> int:
    """Bytes of a batch that goes on where `count` images are done and as many have not begun, without the images."""
    name = "/data/screening/2026/site_12/{}/left_eye_{:06d}.png"
    listed = [
        Source(Path(name.format(number // 100, number)), Path(f"{number // 100}/{number}"))
        for number in range(2 * count)
    ]
    manifest = Manifest(out, 0, "settings")
    for source in listed[:count:100]:
        Outputs(out, ["mask"]).path("mask", source.name).parent.mkdir(parents=True)
    report = Report(out, SourceList(listed), 0, 1)
    outputs = Outputs(out, ["mask"], manifest=manifest)
    report.open(IDENTITY, False, outputs)
    (out / ".made_0.jsonl").write_text(
        "".join(
            f'{{"file": "mask/{source.name}.png", "digest": "0", "image": "{source.path}", "settings": "settings"}}\n'
            for source in listed[:count]
        )
    )
    for source in listed[:count]:
        outputs.path("mask", source.name).write_bytes(b"0")
        report.journal.add(Record(str(source.path), OK, 100, 100, "found", 1.0, 1.0, 0.1, 1.0, 0.1, 0.5, 0.1))
    del listed
    tracemalloc.start()
    report.open(IDENTITY, False, outputs)
    done = sum(planned(report.sources, outputs, False))
    assert done == count
    assert not report.close(lambda source: False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.no_cover
def test_a_million_images_would_take_some_hundred_megabytes(tmp_path: Path) -> None:
    # the least of three: python's table of interned strings, which has the parts of paths, grows by megabytes at times
    few, many = (min(peak_of(count, tmp_path / f"{count}_{time}") for time in range(3)) for count in (500, 1500))
    assert (many - few) / 2000 < 250, "bytes an image, beside its path"
