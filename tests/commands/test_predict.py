"""Predict as a user does: by the script, from a run directory, on files that may be anything."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from data.layouts import draw
from fundus_unet.core.left_over import mark
from fundus_unet.data.synthetic.generate import write_synthetic_set
from fundus_unet.inference import batch_report, outputs
from fundus_unet.inference.record import Record, Table
from running import ROOT, Finished, Scripts, contents, refused, succeeded


@pytest.fixture
def run_dir(scripts: Scripts) -> Path:
    return scripts.tiny_run()


@pytest.fixture
def photos(scripts: Scripts) -> Path:
    """Five images in two folders, of different sizes and kinds of file."""
    folder = scripts.folder / "photos"
    (folder / "deep").mkdir(parents=True)
    sizes = ((90, 96), (90, 96), (131, 77), (64, 200), (90, 96))
    names = ("a.png", "b.jpg", "deep/c.tif", "deep/d.bmp", "e.webp")
    for seed, (name, size) in enumerate(zip(names, sizes, strict=True)):
        Image.fromarray(draw(seed, size)[0]).save(folder / name)
    return folder


def table(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as file:
        return {Path(row["image"]).name: row for row in csv.DictReader(file)}


def predict(scripts: Scripts, run_dir: Path, *overrides: str) -> Finished:
    return scripts("predict", f"run_dir={run_dir}", "images=photos", "out_dir=out", "device=cpu", *overrides)


def test_a_folder(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    finished = succeeded(predict(scripts, run_dir, "outputs=[probability,mask,overlay,skeleton]"))
    assert "5 of 5 images have their maps" in finished.out
    names = ("a", "b", "deep/c", "deep/d", "e")
    kinds = ("thumbnail", "probability", "mask", "overlay", "skeleton")
    expected = [f"{kind}/{name}{outputs.ALL_ENDINGS[kind]}" for kind in kinds for name in names]
    also = {".made_0.jsonl", "predictions.csv", "settings.json", "index.html"}
    assert contents(scripts.folder / "out").keys() == {*expected, *also}
    rows = table(scripts.folder / "out")
    assert list(rows) == ["a.png", "b.jpg", "e.webp", "c.tif", "d.bmp"]
    threshold = json.loads((run_dir / "threshold.json").read_text())["threshold"]
    for name, row in rows.items():
        with Image.open(next(photos.rglob(name))) as image:
            size = image.size
        assert (int(row["width"]), int(row["height"])) == size
        path = next((scripts.folder / "out/probability").rglob(f"{Path(name).stem}.png"))
        probability = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        mask = cv2.imread(str(path).replace("probability", "mask"), cv2.IMREAD_UNCHANGED)
        assert probability.shape == mask.shape == size[::-1]
        assert np.abs((probability / 255 >= threshold).astype(int) - (mask > 0)).mean() < 0.01
        assert float(row["threshold"]) == pytest.approx(threshold, abs=1e-5)
        assert row["status"] in ("ok", "warning")


def test_overlays_of_two_styles_are_not_mixed(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    succeeded(predict(scripts, run_dir, "images=photos/a.png", "outputs=[overlay]"))
    before = contents(scripts.folder / "out")
    told = ["overlay: contour before, fill now", "overwrite=true"]
    refused(predict(scripts, run_dir, "images=photos/a.png", "outputs=[overlay]", "overlay=fill"), *told)
    assert contents(scripts.folder / "out") == before
    succeeded(predict(scripts, run_dir, "images=photos/a.png", "outputs=[overlay]", "overlay=fill", "overwrite=true"))
    assert (scripts.folder / "out/overlay/a.jpg").read_bytes() != before["overlay/a.jpg"]
    refused(predict(scripts, run_dir, "overlay=fil"), "did you mean 'fill'")


def test_the_last_run_is_told(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    finished = succeeded(predict(scripts, Path("last"), "images=photos/a.png", "outputs=[mask]"))
    assert "run_dir=last is runs/tiny\n" in finished.out
    assert json.loads((scripts.folder / "out/settings.json").read_text())["model"] == "tiny"
    refused(predict(scripts, Path("last"), "paths.runs_dir=nowhere"), "there is no run for run_dir=last")


def test_it_is_what_evaluation_scores(scripts: Scripts, run_dir: Path) -> None:
    """The same preprocessing: maps of the test images have the Dice that evaluation found."""
    scripts("evaluate", f"run_dir={run_dir}", "device=cpu")
    scored = json.loads((run_dir / "evaluation/test/metrics.json").read_text())
    sets = scripts.folder / "sets/CHASE_DB1"
    images = f"images='{sets}/Image_1[1-4]?.jpg'"
    succeeded(scripts("predict", f"run_dir={run_dir}", images, "out_dir=out", "precision=32-true"))
    found = labelled = both = 0
    for path in sorted((scripts.folder / "out/mask").iterdir()):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) > 0
        label = np.array(Image.open(sets / f"{path.stem}_1stHO.png").convert("L")) > 0
        found, labelled, both = found + mask.sum(), labelled + label.sum(), both + (mask & label).sum()
    expected = scored["whole_image"]["network at validation threshold"]["pooled"]["dice"]
    assert 2 * both / (found + labelled) == pytest.approx(expected, abs=1e-6)


def test_every_kind_of_file_gives_the_same_map(scripts: Scripts, run_dir: Path) -> None:
    folder = scripts.folder / "photos"
    folder.mkdir()
    photo = draw(0)[0]
    image = Image.fromarray(photo)
    wide = photo[..., ::-1].astype(np.uint16) * 257
    cv2.imwrite(str(folder / "rgb16.png"), wide)
    cv2.imwrite(str(folder / "rgb16_tiff.tif"), wide)
    image.save(folder / "rgb.ppm")
    image.save(folder / "windows.bmp")
    image.save(folder / "lossless.webp", lossless=True)
    image.save(folder / "good.jpeg", quality=100, subsampling=0)
    image.convert("RGBA").save(folder / "alpha.png")
    image.convert("CMYK").save(folder / "print.tiff")
    image.quantize(256).save(folder / "palette.gif")
    turned = Image.Exif()
    turned[274] = 6  # shown turned by 90 degrees
    image.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=turned, quality=100, subsampling=0)
    image.convert("L").save(folder / "grey.png")
    cv2.imwrite(str(folder / "grey16.png"), np.array(image.convert("L")).astype(np.uint16) * 257)
    succeeded(predict(scripts, run_dir))
    folder = scripts.folder / "out/probability"
    maps = {path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in folder.iterdir()}
    assert len(maps) == 12
    for name, found in maps.items():
        like = "grey" if name.startswith("grey") else "rgb"
        assert found.shape == photo.shape[:2], name
        assert np.abs(found.astype(int) - maps[like]).mean() < 4, name


def test_files_of_export_give_the_same_maps(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    exported = {form: run_dir / f"export/model.{form}" for form in ("safetensors", "onnx")}
    for form in exported:
        succeeded(scripts("export", f"run_dir={run_dir}", f"format={form}"))
    common = ("images=photos", "device=cpu", "probability_bits=16", "precision=32-true", "outputs=[probability]")
    for name, model in {
        "run": [f"run_dir={run_dir}"],
        "safetensors": [f"weights={exported['safetensors']}"],
        "onnx": [f"weights={exported['onnx']}", "runtime=onnx"],
        "onnx_of_run": [f"run_dir={run_dir}", "runtime=onnx", "tile=96"],
    }.items():
        succeeded(scripts("predict", *common, *model, f"out_dir={name}"))
    for path in (scripts.folder / "run/probability").rglob("*.png"):
        expected = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(int)
        for name, tolerance in (("safetensors", 0), ("onnx", 3), ("onnx_of_run", 10)):
            same = scripts.folder / name / path.relative_to(scripts.folder / "run")
            assert np.abs(cv2.imread(str(same), cv2.IMREAD_UNCHANGED) - expected).max() <= tolerance
    refused(scripts("predict", "images=photos", f"weights={exported['onnx']}", "out_dir=wrong"), "set runtime=onnx")


class TestContinuing:
    def test_what_is_there_is_kept(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        predict(scripts, run_dir)
        out = scripts.folder / "out"
        (out / "mask/b.png").unlink()
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
        rows = table(out)
        finished = succeeded(predict(scripts, run_dir))
        assert "5 of 5" in finished.out
        changed = {path.name for path, time in before.items() if path.stat().st_mtime_ns != time}
        assert changed == {"b.png"}
        again = table(out)
        assert {name: row for name, row in again.items() if name != "b.jpg"} == {
            name: row for name, row in rows.items() if name != "b.jpg"
        }

    def test_overwrite(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        predict(scripts, run_dir)
        before = {path: path.stat().st_mtime_ns for path in (scripts.folder / "out").rglob("*.png")}
        succeeded(predict(scripts, run_dir, "overwrite=true"))
        assert all(path.stat().st_mtime_ns > time for path, time in before.items())

    def test_other_settings_are_not_mixed(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        predict(scripts, run_dir)
        before = (scripts.folder / "out/settings.json").read_text()
        refused(predict(scripts, run_dir, "threshold=0.3"), "threshold: ", "0.3 now")
        assert (scripts.folder / "out/settings.json").read_text() == before
        succeeded(predict(scripts, run_dir, "threshold=0.3", "overwrite=true"))
        assert {row["threshold"] for row in table(scripts.folder / "out").values()} == {"0.3"}

    def test_a_second_folder_into_the_same_outputs(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        predict(scripts, run_dir)
        (scripts.folder / "more").mkdir()
        Image.fromarray(draw(9)[0]).save(scripts.folder / "more/z.png")
        finished = predict(scripts, run_dir, "images=more")
        assert "1 of 1" in finished.out
        assert len(table(scripts.folder / "out")) == 6

    def test_rows_of_an_interrupted_batch_are_taken_in(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        predict(scripts, run_dir)
        out = scripts.folder / "out"
        lines = (out / "predictions.csv").read_text().splitlines()
        (out / "predictions.csv").unlink()
        (out / ".journal_0.csv").write_text("\n".join(lines[1:3]) + "\n")
        (out / ".journal_1.csv").write_text(lines[3] + "\n" + lines[4][:20])  # cut off in the middle of a line
        succeeded(predict(scripts, run_dir))
        rows = table(out)
        assert len(rows) == 5
        assert [row["status"] == "skipped" for row in rows.values()] == [False, False, False, True, True]
        assert not list(out.glob(".journal*"))


class TestBadInput:
    def test_the_others_are_finished(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        (photos / "zero.png").write_bytes(b"")
        (photos / "text.png").write_text("no image")
        (photos / "cut.jpg").write_bytes((photos / "b.jpg").read_bytes()[:800])
        Image.new("RGB", (1, 1), "red").save(photos / "one.png")
        Image.new("RGB", (80, 80)).save(photos / "black.png")
        Image.new("RGB", (80, 80), "white").save(photos / "white.png")
        (photos / "bomb.png").write_bytes(bomb())
        Image.fromarray(draw(3)[0]).save(photos / "A.bmp")  # outputs of a.png on disks that do not tell a from A
        finished = predict(scripts, run_dir)
        assert finished.code == 1
        rows = table(scripts.folder / "out")
        bad = {"zero.png", "text.png", "cut.jpg", "one.png", "black.png", "white.png", "bomb.png", "a.png"}
        assert {name for name, row in rows.items() if row["status"] == "error"} == bad
        assert "5 of 13 images have their maps" in finished.out
        assert "8 failed" in finished.out
        for name in bad:
            assert len([line for line in finished.out.splitlines() if line.startswith("error") and name in line]) == 1
        assert "would overwrite those of" in rows["a.png"]["message"]
        assert "Traceback" not in finished.out + finished.err

    @pytest.mark.parametrize(
        ("overrides", "expected"),
        [
            (["images=null"], ["which images?"]),
            (["images=phots"], ["did you mean 'photos'"]),
            (["images=sets/none"], ["there is no"]),
            (["run_dir=nowhere"], ["nowhere"]),
            (["weights=vesels"], ["two networks"]),
            (["scale=big"], ["auto, field_of_view or native or a number above 0"]),
            (["scale=0"], ["scale"]),
            (["threshold=1.5"], ["from 0 to 1"]),
            (["mask=hysteresys"], ["did you mean 'hysteresis'"]),
            (["mask=hysteresis", "threshold=0.4"], ["threshold=0.4 is of mask=threshold"]),
            (["mask=threshold", "hysteresis.low=0.4"], ["hysteresis.low=0.4 is of mask=hysteresis"]),
            (["threshold=0.4", "hysteresis.low=0.4"], ["hysteresis.low=0.4 is of mask=hysteresis"]),
            (["mask=hysteresis", "hysteresis.low=0.8", "hysteresis.high=0.7"], ["low <= high", "0.8, 0.7"]),
            (["mask=hysteresis", "hysteresis.low=nan"], ["hysteresis.low", "from 0 to 1"]),
            (["mask=hysteresis", "hysteresis.least_length=-1"], ["hysteresis.least_length", "from 0 to 1"]),
            (["mask=hysteresis", "hysteresis.low=valid"], ["hysteresis.low", "did you mean 'validation'"]),
            (["mask=hysteresis", "hysteresis.lo=0.4"], ["did you mean 'hysteresis.low'"]),
            (["mask=hysteresis", "hysteresis=0.4"], ["hysteresis"]),
            (["tta=flip"], ["did you mean 'flips'"]),
            (["tile=8"], ["tiles are too small"]),
            (["tile=big"], ["tile"]),
            (["outputs=[maks]"], ["did you mean 'mask'"]),
            (["outputs=[]"], ["no output"]),
            (["outputs=mask"], ["outputs=[A,B]"]),
            (["probability_bits=12"], ["12"]),
            (["batch_size=0"], ["batch_size"]),
            (["read_threads=0"], ["read_threads"]),
            (["megapixels_in_memory=-1"], ["megapixels_in_memory"]),
            (["devices=0"], ["devices"]),
            (["device=gpu"], ["auto"]),
            (["strategy=abacus"], ["strategy"]),
            (["precision=half"], ["precision"]),
            (["runtime=tf"], ["runtime"]),
            (["runtime=onnx"], ["export.py"]),
            (["out_dir=null"], ["out_dir"]),
            (["out_dir=photos/a.png/x"], ["cannot be written"]),
            (["overwrit=true"], ["did you mean 'overwrite'"]),
            (["images=my photos (1)"], ["there is no my photos (1)"]),
        ],
        ids=lambda value: value[0] if isinstance(value, list) else None,
    )
    def test_refused(self, scripts: Scripts, run_dir: Path, photos: Path, overrides, expected) -> None:
        before = contents(scripts.folder)
        refused(predict(scripts, run_dir, *overrides), *expected)
        assert contents(scripts.folder) == before

    @pytest.mark.parametrize("content", [b"\xd0\xff\x00 no table", b"name,age\nA,3\n"], ids=["bytes", "foreign"])
    def test_another_table_of_that_name_is_kept(self, scripts: Scripts, run_dir: Path, photos: Path, content) -> None:
        (scripts.folder / "out").mkdir()
        (scripts.folder / "out/predictions.csv").write_bytes(content)
        refused(predict(scripts, run_dir), "no table of predictions")
        assert (scripts.folder / "out/predictions.csv").read_bytes() == content

    @pytest.mark.parametrize("content", [b'{"editor.fontSize": 3}', b"// no JSON", b"", b"[" * 10_000])
    def test_settings_of_another_program_are_kept(self, scripts: Scripts, run_dir: Path, photos: Path, content) -> None:
        (scripts.folder / "out").mkdir()
        (scripts.folder / "out/settings.json").write_bytes(content)
        refused(predict(scripts, run_dir, "overwrite=true"), "is of another program")
        assert contents(scripts.folder / "out") == {"settings.json": content}

    @pytest.mark.parametrize("name", ["settings.json", "predictions.csv", ".journal_0.csv", ".made_0.jsonl"])
    def test_links_are_not_written_through(self, scripts: Scripts, run_dir: Path, photos: Path, name: str) -> None:
        (scripts.folder / "out").mkdir()
        (scripts.folder / "original").write_text("kept")
        (scripts.folder / "out" / name).symlink_to(scripts.folder / "original")
        refused(predict(scripts, run_dir, "overwrite=true"), f"{name} was not made by predict")
        assert (scripts.folder / "out" / name).is_symlink()
        assert (scripts.folder / "original").read_text() == "kept"

    def test_an_unfinished_run(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        (run_dir / "threshold.json").unlink()
        refused(predict(scripts, run_dir), "not finished")

    def test_a_configuration_chooses_no_code(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        config = OmegaConf.load(run_dir / "config.yaml")
        config.model.activation._target_ = "os.system"
        OmegaConf.save(config, run_dir / "config.yaml")
        refused(predict(scripts, run_dir), "os.system")


def bomb() -> bytes:
    """A PNG of 100 000 x 100 000 pixels by its header, in a few bytes."""
    import struct
    import zlib

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


class TestOwnFiles:
    """No output replaces an input, another output, or a file that predict did not make."""

    def test_rows_that_lead_out(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        (photos / "deep/list.csv").write_text("c.tif\n../a.png\n")
        before = (photos / "a.png").read_bytes()
        succeeded(predict(scripts, run_dir, "images=photos/deep/list.csv", "out_dir=photos/deep", "outputs=[mask]"))
        assert (photos / "a.png").read_bytes() == before
        assert {path for path in contents(photos / "deep") if path.endswith(".png")} == {
            "mask/a.png",
            "mask/deep/c.png",
        }

    def test_a_users_file(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        (scripts.folder / "out/mask").mkdir(parents=True)
        (scripts.folder / "out/mask/a.png").write_bytes(b"the user's")
        for overrides in ([], ["overwrite=true"], []):
            finished = predict(scripts, run_dir, *overrides)
            assert finished.code == 1
            rows = table(scripts.folder / "out")
            assert [name for name, row in rows.items() if row["status"] == "error"] == ["a.png"]
            assert "out/mask/a.png was not made by predict" in rows["a.png"]["message"]
            assert (scripts.folder / "out/mask/a.png").read_bytes() == b"the user's"
            assert not (scripts.folder / "out/probability/a.png").exists()
        (scripts.folder / "out/mask/a.png").unlink()
        succeeded(predict(scripts, run_dir))
        assert {row["status"] for row in table(scripts.folder / "out").values()} <= {"ok", "warning"}

    def test_the_outputs_as_images(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        predict(scripts, run_dir)
        out = scripts.folder / "out"
        before = {path: path.read_bytes() for path in out.rglob("*.png")}
        for overrides in (["images=out/probability"], ["images=[photos/a.png,out/mask/a.png]", "overwrite=true"]):
            finished = predict(scripts, run_dir, *overrides)
            assert finished.code == 1
            assert "0 of" in finished.out
            assert {path: path.read_bytes() for path in out.rglob("*.png")} == before

    def test_images_of_the_same_names_from_another_folder(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        predict(scripts, run_dir)
        (scripts.folder / "more").mkdir()
        Image.fromarray(draw(9)[0]).save(scripts.folder / "more/a.png")
        before = (scripts.folder / "out/mask/a.png").read_bytes()
        finished = predict(scripts, run_dir, "images=more")
        assert finished.code == 1
        assert "would overwrite those of" in finished.out
        assert (scripts.folder / "out/mask/a.png").read_bytes() == before

    def test_files_that_no_manifest_claims_are_a_user_s(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        predict(scripts, run_dir)
        out = scripts.folder / "out"
        (out / ".made_0.jsonl").unlink()
        before = {path: path.read_bytes() for path in out.rglob("*.png")}
        for overrides in ((), ("overwrite=true",)):
            refused(predict(scripts, run_dir, *overrides), "index.html was not made by predict")
            finished = predict(scripts, run_dir, "page=false", *overrides)
            assert finished.code == 1
            assert "was not made by predict" in finished.out
            assert {path: path.read_bytes() for path in out.rglob("*.png")} == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX names and pipes")
def test_odd_entries_are_rows(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    """None stops the others, breaks the table or reaches the terminal."""
    names = [b"\xff.png", b"a\rb\n.png", b"\x1b[2J\x07.png", b"=1+1.png", b"'a.png"]
    for seed, name in enumerate(names):
        Image.fromarray(draw(seed)[0]).save(photos / "new.png")
        (photos / "new.png").rename(photos / os.fsdecode(name))
    os.mkfifo(photos / "pipe.png")
    for name, target in {"zero.png": "/dev/zero", "loop.png": "loop.png", "gone.png": "nowhere", "up": ".."}.items():
        (photos / name).symlink_to(target)
    with (photos / "huge.webp").open("wb") as file:
        file.write(b"RIFF\xff\xff\xff\x7fWEBPVP8 ")
        file.truncate(2**40)
    for _ in range(2):
        finished = predict(scripts, run_dir, "images=photos")
        assert finished.code == 1, finished.err
        assert "10 of 15 images have their maps" in finished.out
        rows = table(scripts.folder / "out")
        odd = {"pipe.png", "zero.png", "loop.png", "gone.png", "huge.webp"}
        assert {name for name, row in rows.items() if row["status"] == "error"} == odd
        assert len(rows) == 15
        assert len((scripts.folder / "out/predictions.csv").read_bytes().splitlines()) == 16
        assert {"\\udcff.png", "a\\x0db\\x0a.png", "\\x1b[2J\\x07.png"} < set(rows)
        assert "\x1b[2J" not in finished.out
        assert "\x07" not in finished.out
        masks = os.listdir(os.fsencode(scripts.folder / "out/mask"))
        assert set(names) < set(masks)


def test_a_name_that_spreadsheets_would_calculate(scripts: Scripts, run_dir: Path) -> None:
    for name in ("=1+1.png", "@a.png", "'a.png"):
        Image.fromarray(draw(1)[0]).save(scripts.folder / name)
    for _ in range(2):  # rows that are read back are the same images'
        succeeded(predict(scripts, run_dir, "images='*.png'"))
        assert sorted(table(scripts.folder / "out")) == ["''a.png", "'=1+1.png", "'@a.png"]


def test_a_table_that_cannot_be_written(scripts: Scripts, run_dir: Path, photos: Path, monkeypatch) -> None:
    """It is told, the one before stays whole, and no row is lost."""
    predict(scripts, run_dir)
    before = (scripts.folder / "out/predictions.csv").read_bytes()
    Image.fromarray(draw(9)[0]).save(photos / "z.png")
    written = batch_report.write_table

    def full(folder: Path, table: Table[Record], records: Iterable[Record]) -> None:
        records = list(records)
        if any(record.image.endswith("z.png") for record in records):
            raise OSError(28, "No space left on device", str(folder / table.name))
        written(folder, table, records)

    with monkeypatch.context() as patch:
        patch.setattr(batch_report, "write_table", full)
        finished = predict(scripts, run_dir)
    assert finished.code == 1
    assert "predictions.csv cannot be written: No space left" in finished.out
    assert "6 of 6 images have their maps" in finished.out
    assert (scripts.folder / "out/predictions.csv").read_bytes() == before
    succeeded(predict(scripts, run_dir))
    assert [row["status"] == "skipped" for row in table(scripts.folder / "out").values()] == [False] * 6


def test_what_a_killed_process_left_is_removed(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    predict(scripts, run_dir)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for folder in ("out", "out/mask", "out/mask/deep"):
        (scripts.folder / folder / f".{mark().rpartition('-')[0]}-{dead.pid}-3.part").write_bytes(b"half")
    succeeded(predict(scripts, run_dir))
    assert not list((scripts.folder / "out").rglob("*.part"))


class TestScale:
    def test_auto_native_and_a_number(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        scales = {}
        config = OmegaConf.load(run_dir / "config.yaml")
        config.data.scale, config.data.fov_diameter = None, 40
        OmegaConf.save(config, run_dir / "config.yaml")
        for number, scale in enumerate(("auto", "native", "0.7")):
            succeeded(predict(scripts, run_dir, f"scale={scale}", f"out_dir=out{number}"))
            scales[scale] = {name: float(row["scale"]) for name, row in table(scripts.folder / f"out{number}").items()}
        assert set(scales["native"].values()) == {1}
        assert all(value == pytest.approx(0.7, abs=0.01) for value in scales["0.7"].values())
        rows = table(scripts.folder / "out0")
        for name, value in scales["auto"].items():
            assert value == pytest.approx(40 / float(rows[name]["fov_diameter"]), rel=0.02)

    def test_tiles_and_augmentation_change_little_and_something(
        self, scripts: Scripts, run_dir: Path, photos: Path
    ) -> None:
        maps = {}
        for name, overrides in {
            "whole": ["tile=null"],
            "tiled": ["tile=96"],
            "d4": ["tta=d4"],
        }.items():
            overrides = [*overrides, "precision=32-true", "scale=2", "probability_bits=16"]
            succeeded(predict(scripts, run_dir, f"out_dir={name}", *overrides))
            read = cv2.imread(str(scripts.folder / name / "probability/a.png"), cv2.IMREAD_UNCHANGED)
            maps[name] = read / 65535
        np.testing.assert_allclose(maps["tiled"], maps["whole"], atol=2e-4)
        assert 1e-4 < np.abs(maps["d4"] - maps["whole"]).mean() < 0.2


@pytest.mark.slow
def test_two_processes_predict_each_image_once(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    (photos / "text.png").write_text("no image")
    for seed in range(6):
        Image.fromarray(draw(seed)[0]).save(photos / f"more{seed}.png")
    finished = subprocess.run(
        [
            sys.executable,
            ROOT / "scripts/predict.py",
            f"run_dir={run_dir}",
            "images=photos",
            "out_dir=out",
            "device=cpu",
            "devices=2",
        ],
        cwd=scripts.folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"COLUMNS": "300"},
    )
    assert finished.returncode == 1, finished.stderr
    assert finished.stdout.count("11 of 12 images have their maps") == 1
    assert finished.stdout.count("error  photos/text.png") <= 1  # the second process has no screen
    rows = table(scripts.folder / "out")
    assert len(rows) == 12
    assert [name for name, row in rows.items() if row["status"] == "error"] == ["text.png"]
    alone = predict(scripts, run_dir, "out_dir=alone")
    assert alone.code == 1
    for path in (scripts.folder / "alone/mask").rglob("*.png"):
        same = scripts.folder / "out/mask" / path.relative_to(scripts.folder / "alone/mask")
        assert same.read_bytes() == path.read_bytes()


def srun(rank: int) -> dict[str, str]:
    """What srun says to one of two tasks on one machine."""
    tasks = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS": "2", "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)}
    job = {"SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "predict", "SLURM_NODEID": "0", "SLURM_NTASKS_PER_NODE": "2"}
    return tasks | job | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29473"}


def by_hand(rank: int) -> dict[str, str]:
    """What a user says on each of two machines."""
    return {"NODE_RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29475"}


def commands_of_two(scripts: Scripts, run_dir: Path, environment, *overrides: str, folders=("", "")) -> list[str]:
    """What both say; each works in a folder of its own below the working directory."""
    processes = [
        subprocess.Popen(
            [sys.executable, ROOT / "scripts/predict.py", f"run_dir={run_dir}", "device=cpu", *overrides],
            cwd=scripts.folder / folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"COLUMNS": "300"} | environment(rank),
        )
        for rank, folder in enumerate(folders)
    ]
    try:
        return [process.communicate(timeout=200)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(("environment", "overrides"), [(srun, ["devices=2"]), (by_hand, ["num_nodes=2"])])
def test_commands_on_two_machines_predict_each_image_once(
    scripts: Scripts, run_dir: Path, photos: Path, environment, overrides: list[str]
) -> None:
    told = commands_of_two(scripts, run_dir, environment, "images=photos", "out_dir=out", *overrides)
    assert "".join(told).count("5 of 5 images have their maps") == 1, told
    assert len(table(scripts.folder / "out")) == 5
    claims = [(scripts.folder / f"out/.made_{rank}.jsonl").read_text().splitlines() for rank in range(2)]
    files = [json.loads(line)["file"] for lines in claims for line in lines]
    assert all(claims)
    assert len(files) == len(set(files)) == 5 * 4 + 1, "four files of every image, and the page"
    assert not list((scripts.folder / "out").glob(".journal*"))


@pytest.mark.slow
def test_what_is_wrong_on_one_of_two_machines_ends_both(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    told = commands_of_two(scripts, run_dir, srun, "images=phots", "out_dir=out", "devices=2")
    assert "".join(told).count("error: there is no phots") == 1, told
    assert "Traceback" not in "".join(told)
    (scripts.folder / "other").mkdir()
    given = (f"images={photos}", "out_dir=out", "num_nodes=2")
    told = commands_of_two(scripts, run_dir, by_hand, *given, folders=("", "other"))
    assert all("is not the same folder on all machines" in said for said in told), told
    assert not (scripts.folder / "other/out").exists()


@pytest.mark.parametrize(
    ("environment", "overrides", "words"),
    [
        (srun(0), [], ["srun started another number of processes", "1, since devices=1, num_nodes=1", "got: 2"]),
        ({}, ["num_nodes=2"], ["2 machines cannot find each other", "MASTER_ADDR"]),
    ],
)
def test_machines_that_were_not_told_of_each_other(
    scripts: Scripts, run_dir: Path, photos: Path, monkeypatch, environment, overrides, words
) -> None:
    """Each would predict all images."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    refused(predict(scripts, run_dir, *overrides), *words)
    assert not (scripts.folder / "out").exists()


def _listen_to_interrupts() -> None:
    """Background jobs of a shell, as tests may be, ignore them, and so would every process they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_an_interrupted_batch_continues(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    for number in range(25):
        shutil.copy(photos / "a.png", photos / f"copy{number:02d}.png")
    command = [sys.executable, ROOT / "scripts/predict.py", f"run_dir={run_dir}", "images=photos", "out_dir=out"]
    process = subprocess.Popen(
        [*command, "device=cpu", "scale=6"],
        cwd=scripts.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=_listen_to_interrupts,
    )
    deadline = time.monotonic() + 120
    while not (scripts.folder / "out/.journal_0.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=120)
    assert process.returncode == 130, told
    assert "interrupted" in told
    done = len(table(scripts.folder / "out"))
    assert 0 < done < 30
    assert len(list((scripts.folder / "out/mask").rglob("*.png"))) == done
    assert not list((scripts.folder / "out").rglob(".*.part"))
    succeeded(predict(scripts, run_dir, "scale=6"))
    assert len(table(scripts.folder / "out")) == 30


def test_on_a_gpu(scripts: Scripts, run_dir: Path, photos: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    succeeded(scripts("predict", f"run_dir={run_dir}", "images=photos", "out_dir=out", "device=cuda"))
    assert len(table(scripts.folder / "out")) == 5


@pytest.mark.slow
def test_the_largest_image_fits_into_four_gigabytes(scripts: Scripts, run_dir: Path) -> None:
    """10000 x 10000 pixels, at their own scale, with every output."""
    pytest.importorskip("resource", reason="peaks of memory are read on POSIX alone")
    small = draw(0, (500, 500))[0]
    cv2.imwrite(str(scripts.folder / "large.jpg"), cv2.resize(small, (10_000, 10_000))[..., ::-1])
    command = [sys.executable, ROOT / "scripts/predict.py", f"run_dir={run_dir}", "images=large.jpg", "out_dir=out"]
    program = (
        "import resource, subprocess, sys\n"
        "code = subprocess.run(sys.argv[1:]).returncode\n"
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(code)"
    )
    options = ["device=cpu", "scale=native", "outputs=[probability,mask,overlay,skeleton]"]
    finished = subprocess.run(
        [sys.executable, "-c", program, *command, *options], cwd=scripts.folder, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    peak = int(finished.stdout.split("peak")[1]) * (1 if sys.platform == "darwin" else 1024)
    assert peak < 4e9
    assert cv2.imread(str(scripts.folder / "out/skeleton/large.png"), cv2.IMREAD_UNCHANGED).shape == (10_000, 10_000)


def test_the_weights_that_come_with_the_project(scripts: Scripts) -> None:
    """They need no run, and find the vessels of an image that was drawn for this test."""
    write_synthetic_set(scripts.folder / "drawn", count=1, seed=77, size=512)
    succeeded(scripts("predict", "images=drawn/images", "out_dir=out", "device=cpu"))
    (path,) = (scripts.folder / "out/mask").iterdir()
    mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) > 0
    label = cv2.imread(str(scripts.folder / "drawn/labels" / path.name), cv2.IMREAD_UNCHANGED) > 0
    assert 2 * (mask & label).sum() / (mask.sum() + label.sum()) > 0.7
    assert json.loads((scripts.folder / "out/settings.json").read_text())["model"] == "vessels"


def test_weights_by_a_misspelt_name(scripts: Scripts, photos: Path) -> None:
    refused(scripts("predict", "images=photos", "weights=vesels"), "did you mean 'vessels'")
