"""A batch of images: every one is told about, whatever happens to its neighbours."""

import errno
import threading
import time
from pathlib import Path, PurePath

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from data.layouts import draw
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference import batch_prediction, outputs
from fundus_unet.inference.batch_prediction import BatchPrediction
from fundus_unet.inference.new_image import read_new_image
from fundus_unet.inference.outputs import Outputs
from fundus_unet.inference.predictor import Predictor
from fundus_unet.inference.record import Record
from fundus_unet.inference.sources import Source
from fundus_unet.metrics.masks import Hysteresis, Threshold


class DarkIsVessel(nn.Module):
    """Logits by the green channel alone; remembers the batches it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []

    def forward(self, image):
        self.seen.append(tuple(image.shape))
        return -4 * image[:, 1:2] - 2


class MoreSureToTheRight(DarkIsVessel):
    def forward(self, image):
        return super().forward(image) / 4 + torch.linspace(-4, 4, image.shape[-1])


def sample(path: Path, seed: int = 0, size: tuple[int, int] = (60, 80)) -> Source:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), draw(seed, size)[0][..., ::-1])
    return Source(path, PurePath(path.stem))


@pytest.fixture
def network() -> DarkIsVessel:
    return DarkIsVessel()


def batch(folder: Path, network: nn.Module, **options) -> BatchPrediction:
    predictor = Predictor(network, torch.device("cpu"), None)
    kinds = options.pop("kinds", ["mask"])
    return BatchPrediction(predictor, Preprocessor(scale=1), Outputs(folder / "out", kinds), Threshold(0.5), **options)


def run(work: BatchPrediction, sources: list[Source]) -> dict[str, Record]:
    records: list[Record] = []
    work.run(sources, records.append)
    names = [Path(record.image).name for record in records]
    assert sorted(names) == sorted(source.path.name for source in sources)  # each once, none lost
    return dict(zip(names, records, strict=True))


def test_rows_say_what_was_found(tmp_path, network):
    source = sample(tmp_path / "a.png")
    record = run(batch(tmp_path, network), [source])["a.png"]
    mask = cv2.imread(str(tmp_path / "out/mask/a.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (60, 80)
    assert set(np.unique(mask)) == {0, 255}
    assert (record.width, record.height, record.field_of_view, record.scale) == (80, 60, "found", 1)
    assert record.status == "ok"
    assert record.threshold == 0.5
    assert record.vessel_fraction == pytest.approx((mask > 0).sum() / draw(0, (60, 80))[3].astype(bool).sum(), rel=0.1)
    assert record.vessel_length_px > 20
    assert record.vessel_length_per_fov_diameter == pytest.approx(
        record.vessel_length_px / record.fov_diameter, abs=0.002
    )
    assert record.seconds > 0


def test_masks_by_hysteresis(tmp_path):
    source = sample(tmp_path / "a.png")
    masks = []
    for number, rule in enumerate((Hysteresis(0.2, 0.8), Hysteresis(0.6, 0.9, 0.1))):
        predictor = Predictor(MoreSureToTheRight(), torch.device("cpu"), None)
        outputs = Outputs(tmp_path / f"{number}", ["mask", "probability"], 16)
        record = run(BatchPrediction(predictor, Preprocessor(scale=1), outputs, rule), [source])["a.png"]
        mask, probability = (
            cv2.imread(str(tmp_path / f"{number}/{kind}/a.png"), cv2.IMREAD_UNCHANGED)
            for kind in ("mask", "probability")
        )
        image = read_new_image(source, Preprocessor(scale=1))
        expected = rule.mask(probability / np.float32(65535), image.field_of_view, image.fov_diameter)
        np.testing.assert_array_equal(mask > 0, expected)
        assert record.threshold == rule.low
        assert record.vessel_fraction == pytest.approx(expected.sum() / image.field_of_view.sum(), abs=1e-5)
        masks.append(expected)
    assert 0 < masks[1].sum() < masks[0].sum()


def test_length_without_a_unit_is_the_same_at_every_size(tmp_path, network):
    source = sample(tmp_path / "a.png", size=(240, 320))
    image = cv2.imread(str(source.path))
    cv2.imwrite(str(tmp_path / "b.png"), cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    work = batch(tmp_path, network)
    preprocessor = Preprocessor(fov_diameter=200)
    work = BatchPrediction(work.predictor, preprocessor, work.outputs, Threshold(0.5))
    records = run(work, [source, Source(tmp_path / "b.png", PurePath("b"))])
    small, large = records["a.png"], records["b.png"]
    assert large.vessel_length_px == pytest.approx(2 * small.vessel_length_px, rel=0.1)
    assert large.vessel_length_per_fov_diameter == pytest.approx(small.vessel_length_per_fov_diameter, rel=0.1)


def test_seconds_are_those_of_the_image_without_waiting(tmp_path, network, monkeypatch):
    read, length = batch_prediction.read_new_image, batch_prediction._vessel_length

    def slow_disk(*arguments):
        time.sleep(0.5)
        return read(*arguments)

    def slow_work(*arguments):
        ends = time.thread_time() + 0.1
        while time.thread_time() < ends:
            pass
        return length(*arguments)

    sources = [sample(tmp_path / f"{number}.png", number) for number in range(2)]
    run(batch(tmp_path / "warm", network), sources[:1])
    monkeypatch.setattr(batch_prediction, "read_new_image", slow_disk)
    monkeypatch.setattr(batch_prediction, "_vessel_length", slow_work)
    records = run(batch(tmp_path, network, write_threads=4), sources)
    assert all(0.1 <= record.seconds < 0.5 for record in records.values())


def test_equal_sizes_go_through_the_network_together(tmp_path, network):
    sources = [sample(tmp_path / f"{number}.png", number) for number in range(5)]
    sources[2] = sample(tmp_path / "2.png", 2, size=(64, 64))
    together = run(batch(tmp_path, network, batch_size=2), sources)
    assert network.seen == [(2, 3, 60, 80), (1, 3, 64, 64), (2, 3, 60, 80)]
    masks = [(tmp_path / f"out/mask/{number}.png").read_bytes() for number in range(5)]
    alone = run(batch(tmp_path, DarkIsVessel()), sources)
    assert [(tmp_path / f"out/mask/{number}.png").read_bytes() for number in range(5)] == masks
    for name in together:
        assert together[name].vessel_fraction == alone[name].vessel_fraction


@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_bad_file_costs_nobody_else(tmp_path, network, batch_size):
    good = [sample(tmp_path / f"good{number}.png", number) for number in range(4)]
    bad = {}
    for name, content in {
        "zero.png": b"",
        "text.png": b"this is no image",
        "cut.jpg": cv2.imencode(".jpg", draw(1)[0])[1].tobytes()[:700],
        "one.png": cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes(),
        "black.png": cv2.imencode(".png", np.zeros((60, 80, 3), np.uint8))[1].tobytes(),
        "white.png": cv2.imencode(".png", np.full((60, 80, 3), 255, np.uint8))[1].tobytes(),
    }.items():
        (tmp_path / name).write_bytes(content)
        bad[name] = Source(tmp_path / name, PurePath(Path(name).stem))
    bad["gone.png"] = Source(tmp_path / "gone.png", PurePath("gone"))
    mixed = [*good[:2], *bad.values(), *good[2:]]
    records = run(batch(tmp_path, network, batch_size=batch_size), mixed)
    assert {name for name, record in records.items() if record.status == "error"} == bad.keys()
    for name in bad:
        assert name in records[name].message
        assert "\n" not in records[name].message
    assert sorted(path.stem for path in (tmp_path / "out/mask").iterdir()) == [f"good{number}" for number in range(4)]


def test_a_network_that_fails_costs_its_batch_alone(tmp_path):
    class Fails(DarkIsVessel):
        def forward(self, image):
            if image.shape[-1] == 64:
                raise torch.OutOfMemoryError("no memory")
            return super().forward(image)

    sources = [sample(tmp_path / f"{number}.png", number) for number in range(3)]
    sources[1] = sample(tmp_path / "1.png", 1, size=(64, 64))
    records = run(batch(tmp_path, Fails()), sources)
    assert [records[f"{number}.png"].status for number in range(3)] == ["ok", "error", "ok"]
    assert "not enough memory" in records["1.png"].message


def test_a_disk_that_is_full_midway(tmp_path, network, monkeypatch):
    sources = [sample(tmp_path / f"{number}.png", number) for number in range(4)]
    write = outputs.write_bytes

    def full(path, data, **options):
        if path.stem == "2" and path.parent.name == "overlay":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data, **options)

    monkeypatch.setattr(outputs, "write_bytes", full)
    work = batch(tmp_path, network, kinds=["probability", "overlay"])
    records = run(work, sources)
    assert [records[f"{number}.png"].status for number in range(4)] == ["ok", "ok", "error", "ok"]
    assert "No space left" in records["2.png"].message
    assert not work.outputs.exist(sources[2].name)


@pytest.mark.parametrize("write_threads", [1, 3])
def test_images_that_wait_for_the_disk_are_claimed_together(tmp_path, network, monkeypatch, write_threads):
    """And none waits for others where the disk is fast."""
    sources = [sample(tmp_path / f"{number}.png", number) for number in range(12)]
    written, begun, slow = [], threading.Condition(), threading.Event()
    write = Outputs.write

    def writing(self, made):
        with begun:
            written.append(len(made))
            begun.notify()
        slow.wait(20)  # until the network has all but those that reading was ahead of
        return write(self, made)

    def predicting(image):
        with begun:  # an idle thread has begun to write what was predicted before
            begun.wait_for(lambda: len(written) >= min(len(network.seen), write_threads), 20)
        logits = forward(image)
        if len(network.seen) == len(sources):
            slow.set()
        return logits

    monkeypatch.setattr(Outputs, "write", writing)
    forward = network.forward
    monkeypatch.setattr(network, "forward", predicting)
    run(batch(tmp_path, network, write_threads=write_threads), sources)
    assert sum(written) == len(sources)
    assert written[:write_threads] == [1] * write_threads
    assert len(written) < len(sources)
    assert max(written) <= -(-len(sources) // write_threads)


def test_images_in_memory_are_bounded(tmp_path, network, monkeypatch):
    """At most `pixels_in_memory` between reading and writing, however slow the write_threads are."""
    sources = [sample(tmp_path / f"{number}.png", number, (60 + 10 * (number % 3), 80)) for number in range(9)]
    in_memory, most, lock = 0, 0, threading.Lock()
    read, write = batch_prediction.read_new_image, Outputs.write

    def counted(change: int) -> None:
        nonlocal in_memory, most
        with lock:
            in_memory += change
            most = max(most, in_memory)

    def reading(source, preprocessor):
        found = read(source, preprocessor)
        counted(found.field_of_view.size)
        return found

    def writing(self, made):
        threading.Event().wait(0.02)
        errors = write(self, made)
        counted(-sum(80 * (60 + 10 * (int(source.path.stem) % 3)) for source, _ in made))
        return errors

    monkeypatch.setattr(batch_prediction, "read_new_image", reading)
    monkeypatch.setattr(Outputs, "write", writing)
    limit = 3 * 80 * 80
    run(batch(tmp_path, network, batch_size=4, read_threads=3, pixels_in_memory=limit), sources)
    assert limit / 3 < most <= limit
    assert in_memory == 0


def test_one_image_above_the_bound_is_predicted_alone(tmp_path, network):
    sources = [sample(tmp_path / f"{number}.png", number) for number in range(3)]
    records = run(batch(tmp_path, network, pixels_in_memory=10), sources)
    assert {record.status for record in records.values()} == {"ok"}


def test_reading_goes_on_while_the_network_works(tmp_path, monkeypatch):
    sources = [sample(tmp_path / f"{number}.png", number) for number in range(3)]
    second_was_read = threading.Event()
    read = batch_prediction.read_new_image

    def reading(source, preprocessor):
        found = read(source, preprocessor)
        if source is sources[1]:
            second_was_read.set()
        return found

    class Waits(DarkIsVessel):
        def forward(self, image):
            assert second_was_read.wait(30)  # the network is at the first
            return super().forward(image)

    monkeypatch.setattr(batch_prediction, "read_new_image", reading)
    assert {record.status for record in run(batch(tmp_path, Waits()), sources).values()} == {"ok"}


def test_an_interruption_keeps_what_is_predicted(tmp_path):
    class Interrupted(DarkIsVessel):
        def forward(self, image):
            if len(self.seen) == 2:
                raise KeyboardInterrupt
            return super().forward(image)

    sources = [sample(tmp_path / f"{number}.png", number) for number in range(6)]
    records: list[Record] = []
    work = batch(tmp_path, Interrupted())
    with pytest.raises(KeyboardInterrupt):
        work.run(sources, records.append)
    assert sorted(Path(record.image).stem for record in records if record.status == "ok") == ["0", "1"]
    assert [work.outputs.exist(source.name) for source in sources] == [True] * 2 + [False] * 4


class TestWarnings:
    def test_no_border(self, tmp_path, network):
        crop = draw(0, (200, 200))[0][60:140, 60:140]
        cv2.imwrite(str(tmp_path / "a.png"), crop[..., ::-1])
        record = run(batch(tmp_path, network), [Source(tmp_path / "a.png", PurePath("a"))])["a.png"]
        assert record.status == "warning"
        assert "no border" in record.message
        assert record.field_of_view == "whole frame"
        assert (tmp_path / "out/mask/a.png").is_file()

    def test_no_fundus(self, tmp_path, network):
        random = np.random.default_rng(0)
        sky = np.dstack([random.integers(low, low + 60, (90, 120)) for low in (60, 110, 180)]).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "sky.png"), sky[..., ::-1])
        record = run(batch(tmp_path, network), [Source(tmp_path / "sky.png", PurePath("sky"))])["sky.png"]
        assert record.status == "warning"
        assert "not those of a fundus" in record.message
        assert (tmp_path / "out/mask/sky.png").is_file()

    def test_vessels_everywhere(self, tmp_path):
        class Everything(nn.Module):
            def forward(self, image):
                return torch.ones(len(image), 1, *image.shape[-2:])

        record = run(batch(tmp_path, Everything()), [sample(tmp_path / "a.png")])["a.png"]
        assert record.status == "warning"
        assert "100.0%" in record.message


class TestOutputs:
    def test_every_kind(self, tmp_path, network):
        source = sample(tmp_path / "a.png")
        source = Source(source.path, PurePath("deep/er/a.b"))
        kinds = ["probability", "mask", "overlay", "skeleton"]
        work = batch(tmp_path, network, kinds=kinds)
        assert not work.outputs.exist(source.name)
        run(work, [source])
        work.outputs.manifest.read_again()
        assert work.outputs.exist(source.name)
        read = {
            kind: cv2.imread(str(tmp_path / f"out/{kind}/deep/er/a.b{outputs.ENDINGS[kind]}"), cv2.IMREAD_UNCHANGED)
            for kind in kinds
        }
        assert {kind: image.shape[:2] for kind, image in read.items()} == dict.fromkeys(kinds, (60, 80))
        assert ((read["probability"] >= 128) == (read["mask"] > 0)).all()
        skeleton = read["skeleton"] > 0
        assert 0 < skeleton.sum() < (read["mask"] > 0).sum() / 2
        assert not (skeleton & (read["mask"] == 0)).any()
        original = cv2.imread(str(source.path))
        outside = (
            ~cv2.dilate(((read["mask"] > 0) | (draw(0, (60, 80))[3] == 0)).astype(np.uint8), np.ones((9, 9))) > 254
        )
        assert outside.sum() > 100
        assert np.abs(read["overlay"][outside].astype(int) - original[outside]).mean() < 10
        vessel = read["mask"] > 0
        around = cv2.dilate(vessel.astype(np.uint8), np.ones((3, 3))).astype(bool) & ~vessel
        changed = np.abs(read["overlay"].astype(int) - original).mean(-1)
        assert changed[around].mean() > 30 > 15 > changed[vessel].mean()  # the vessel itself is seen

    def test_sixteen_bits_say_more(self, tmp_path, network):
        source = sample(tmp_path / "a.png")
        values = {}
        for bits in (8, 16):
            work = batch(tmp_path, network)
            work = BatchPrediction(
                work.predictor, work.preprocessor, Outputs(tmp_path / "o", ["probability"], bits), Threshold(0.5)
            )
            run(work, [source])
            values[bits] = cv2.imread(str(tmp_path / "o/probability/a.png"), cv2.IMREAD_UNCHANGED)
        assert values[16].dtype == np.uint16
        np.testing.assert_allclose(values[16] / 65535, values[8] / 255, atol=0.5 / 255 + 1e-4)
        assert len(np.unique(values[16])) > 1.5 * len(np.unique(values[8]))

    @pytest.mark.parametrize(
        ("kinds", "bits", "expected"),
        [(["maks"], 8, "did you mean 'mask'"), ([], 8, "no output"), (["mask"], 12, "12")],
    )
    def test_refused(self, tmp_path, kinds, bits, expected):
        with pytest.raises(InputError, match=expected):
            Outputs(tmp_path, kinds, bits)

    def test_another_overlay_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="did you mean 'contour'"):
            Outputs(tmp_path, ["overlay"], overlay="contours")

    def test_a_folder_that_is_a_file(self, tmp_path, network):
        sources = [sample(tmp_path / f"{number}.png", number) for number in range(2)]
        sources[0] = Source(sources[0].path, PurePath("deep/0"))
        (tmp_path / "out/mask").mkdir(parents=True)
        (tmp_path / "out/mask/deep").write_text("in the way")
        records = run(batch(tmp_path, network), sources)
        assert records["0.png"].status == "error"
        assert "cannot be written" in records["0.png"].message
        assert records["1.png"].status == "ok"
