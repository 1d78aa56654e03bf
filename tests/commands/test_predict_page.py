"""The page and the measures that predict writes, as a user asks for them."""

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.layouts import draw
from running import Finished, Scripts, contents, refused, succeeded


@pytest.fixture
def run_dir(scripts: Scripts) -> Path:
    return scripts.tiny_run()


@pytest.fixture
def photos(scripts: Scripts) -> Path:
    folder = scripts.folder / "photos"
    (folder / "deep").mkdir(parents=True)
    for seed, name in enumerate(("a.png", "b.jpg", "deep/c.tif")):
        Image.fromarray(draw(seed, (90, 96))[0]).save(folder / name)
    return folder


def predict(scripts: Scripts, run_dir: Path, *overrides: str) -> Finished:
    return scripts("predict", f"run_dir={run_dir}", "images=photos", "out_dir=out", "device=cpu", *overrides)


def page(folder: Path) -> dict[str, dict]:
    """By the names of the images: the kinds of outputs that are linked, the links and the status."""
    found = re.search(r'id="data">(.*?)</script>', (folder / "index.html").read_text(), re.DOTALL)
    data = json.loads(found[1])
    kinds = [kind for kind, _ in data["kinds"]]
    return {
        Path(row[0]).name: {
            "kinds": {kind for bit, kind in enumerate(kinds) if row[3] >> bit & 1},
            "original": row[1],
            "name": row[2],
            "status": row[4],
        }
        for row in data["rows"]
    }


def measures(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "measures.csv").open(newline="") as file:
        return {Path(row["image"]).name: row for row in csv.DictReader(file)}


class TestPage:
    def test_it_shows_what_was_asked_for(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        (photos / "bad.png").write_bytes(b"no image")
        finished = predict(scripts, run_dir, "outputs=[mask]")
        assert finished.code == 1
        assert "page      out/index.html" in finished.out.splitlines()
        shown = page(scripts.folder / "out")
        assert list(shown) == ["a.png", "b.jpg", "bad.png", "c.tif"]
        assert {name: one["kinds"] for name, one in shown.items()} == {
            "a.png": {"thumbnail", "mask"},
            "b.jpg": {"thumbnail", "mask"},
            "bad.png": set(),
            "c.tif": {"thumbnail", "mask"},
        }
        assert (shown["c.tif"]["name"], shown["c.tif"]["original"]) == ("deep/c", "../photos/deep/c.tif")
        assert shown["bad.png"]["status"] == "error"
        with Image.open(scripts.folder / "out/thumbnail/deep/c.jpg") as pair:
            assert pair.size == (2 * 96, 90)

    def test_a_continued_folder_keeps_one_page_of_all(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        succeeded(predict(scripts, run_dir, "images=photos/a.png", "outputs=[mask]"))
        succeeded(predict(scripts, run_dir, "images=photos/b.jpg", "outputs=[overlay]"))
        shown = page(scripts.folder / "out")
        assert {name: one["kinds"] for name, one in shown.items()} == {
            "a.png": {"thumbnail", "mask"},
            "b.jpg": {"thumbnail", "overlay"},
        }
        assert sorted(one["original"] for one in shown.values()) == ["../photos/a.png", "../photos/b.jpg"]

    def test_it_can_be_left_out_and_made_later_without_predicting_again(
        self, scripts: Scripts, run_dir: Path, photos: Path
    ) -> None:
        finished = succeeded(predict(scripts, run_dir, "page=false"))
        out = scripts.folder / "out"
        assert "page " not in finished.out
        assert not (out / "index.html").exists()
        assert not (out / "thumbnail").exists()
        before = {path: path.stat().st_mtime_ns for path in (out / "mask").rglob("*.png")}
        succeeded(predict(scripts, run_dir))
        assert {path: path.stat().st_mtime_ns for path in (out / "mask").rglob("*.png")} == before
        assert page(out)["a.png"]["kinds"] == {"probability", "mask", "overlay"}

    def test_a_page_of_the_users_is_kept(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        out = scripts.folder / "out"
        out.mkdir()
        (out / "index.html").write_text("my own")
        refused(predict(scripts, run_dir), "index.html was not made by predict", "page=false")
        refused(predict(scripts, run_dir, "overwrite=true"), "index.html was not made by predict")
        assert contents(out) == {"index.html": b"my own"}
        succeeded(predict(scripts, run_dir, "page=false"))
        assert (out / "index.html").read_text() == "my own"

    def test_one_that_comes_while_images_are_predicted_is_kept_too(
        self, scripts: Scripts, run_dir: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from fundus_unet.inference.batch_prediction import BatchPrediction

        run = BatchPrediction.run

        def late(self, sources, on_done):
            run(self, sources, on_done)
            (scripts.folder / "out/index.html").write_text("my own")

        monkeypatch.setattr(BatchPrediction, "run", late)
        finished = predict(scripts, run_dir)
        assert finished.code == 1
        assert "3 of 3 images have their maps" in finished.out
        assert "out/index.html was not made by predict" in finished.out
        assert (scripts.folder / "out/index.html").read_text() == "my own"

    def test_a_small_picture_of_the_users_is_kept(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        (scripts.folder / "out/thumbnail").mkdir(parents=True)
        (scripts.folder / "out/thumbnail/a.jpg").write_bytes(b"mine")
        finished = predict(scripts, run_dir)
        assert finished.code == 1
        assert "out/thumbnail/a.jpg was not made by predict" in finished.out
        assert (scripts.folder / "out/thumbnail/a.jpg").read_bytes() == b"mine"

    def test_a_setting_that_is_no_choice(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        refused(predict(scripts, run_dir, "page=perhaps"), "page")
        refused(predict(scripts, run_dir, "measures=2"), "measures")
        refused(predict(scripts, run_dir, "pages=false"), "did you mean 'page'")


class TestMeasures:
    def test_a_row_for_every_image_that_has_maps(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        (photos / "bad.png").write_bytes(b"no image")
        finished = predict(scripts, run_dir, "measures=true", "outputs=[mask]")
        assert finished.code == 1
        assert "measures  out/measures.csv; compare its numbers with each other" in finished.out
        out = scripts.folder / "out"
        assert list(measures(out)) == ["a.png", "b.jpg", "c.tif"]
        with (out / "predictions.csv").open(newline="") as file:
            rows = {Path(row["image"]).name: row for row in csv.DictReader(file)}
        for name, row in measures(out).items():
            assert row["image"] == rows[name]["image"]
            assert row["vessel_density"] == rows[name]["vessel_fraction"]
            assert row["vessel_length_per_fov_diameter"] == rows[name]["vessel_length_per_fov_diameter"]
        assert not list(out.glob(".measures*"))

    def test_asked_for_later_they_are_had_by_predicting_again(
        self, scripts: Scripts, run_dir: Path, photos: Path
    ) -> None:
        succeeded(predict(scripts, run_dir, "outputs=[mask]"))
        assert not (scripts.folder / "out/measures.csv").exists()
        succeeded(predict(scripts, run_dir, "outputs=[mask]", "measures=true"))
        before = measures(scripts.folder / "out")
        assert len(before) == 3
        mask = scripts.folder / "out/mask/a.png"
        time = mask.stat().st_mtime_ns
        succeeded(predict(scripts, run_dir, "outputs=[mask]", "measures=true"))
        assert measures(scripts.folder / "out") == before
        assert mask.stat().st_mtime_ns == time

    def test_a_row_that_a_kill_lost_is_measured_again(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        succeeded(predict(scripts, run_dir, "outputs=[mask]", "measures=true"))
        out = scripts.folder / "out"
        before = measures(out)
        lines = (out / "measures.csv").read_text().splitlines(keepends=True)
        (out / "measures.csv").write_text("".join(lines[:1]))
        (out / ".measures_0.csv").write_text(lines[1] + lines[2][:7])
        succeeded(predict(scripts, run_dir, "outputs=[mask]", "measures=true"))
        assert measures(out) == before

    def test_they_do_not_outlive_their_maps(self, scripts: Scripts, run_dir: Path, photos: Path) -> None:
        succeeded(predict(scripts, run_dir, "measures=true"))
        before = contents(scripts.folder / "out")
        refused(predict(scripts, run_dir, "overwrite=true", "threshold=0.2"), "measures=true")
        assert contents(scripts.folder / "out") == before
        succeeded(predict(scripts, run_dir, "overwrite=true", "threshold=0.2", "measures=true"))
        assert (scripts.folder / "out/measures.csv").read_bytes() != before["measures.csv"]


class TestDicom:
    def test_files_of_a_camera(self, scripts: Scripts, run_dir: Path) -> None:
        pytest.importorskip("pydicom")
        from data.images.test_dicom import PATIENT, dicom

        folder = scripts.folder / "photos"
        folder.mkdir()
        images = [draw(seed, (90, 96))[0] for seed in range(3)]
        dicom(folder / "one.dcm", images[0])
        dicom(folder / "several.dcm", np.stack(images), frames=3)
        dicom(folder / "sixteen.dcm", images[0], BitsAllocated=16, BitsStored=12)
        (folder / "damaged.dcm").write_bytes((folder / "one.dcm").read_bytes()[:700])
        shutil.copy(folder / "one.dcm", folder / "without_ending")
        images_named = "images=[photos,photos/without_ending]"
        finished = predict(scripts, run_dir, images_named, "measures=true")
        assert finished.code == 1
        out = scripts.folder / "out"
        with (out / "predictions.csv").open(newline="") as file:
            rows = {Path(row["image"]).name: row for row in csv.DictReader(file)}
        assert {name for name, row in rows.items() if row["status"] == "error"} == {"damaged.dcm", "sixteen.dcm"}
        assert "only the first of its 3 frames was predicted" in rows["several.dcm"]["message"]
        assert (out / "mask/one.png").read_bytes() == (out / "mask/several.png").read_bytes()
        everything = b"".join(contents(out).values()) + finished.out.encode() + finished.err.encode()
        for word in (PATIENT, "Doe", "Jane", "4711", "19500101"):
            assert word.encode() not in everything
