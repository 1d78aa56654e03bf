"""The report: from three comparisons, or some of them, to one page that a person can read."""

import base64
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from running import TINY, Finished, Scripts

VARIANTS = "upsamplers=[transposed_k4s2p1,bilinear_conv]"
SPEED = (
    "model.widths=[4,8]",
    "dtypes=[float32]",
    "memory_formats=[contiguous]",
    "training.image_size=32",
    "training.batch_sizes=[2]",
    "inference.image_size=32",
    "rounds=2",
    "min_seconds=0.001",
    "memory=false",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def compared(scripts: Scripts, kept: Path) -> Scripts:
    """All three comparisons."""
    data = ("data=chasedb1", "paths.data_dir=sets")
    runs = [f"runs/comparison/runs/{variant}_seed0" for variant in ("transposed_k4s2p1", "bilinear_conv")]

    def make() -> None:
        for name, *overrides in (
            ("compare_accuracy", *data, *TINY, "trainer.max_epochs=1", VARIANTS, "seeds=[0,1]"),
            ("compare_speed", VARIANTS, *SPEED),
            ("compare_checkerboard", f"run_dirs=[{','.join(runs)}]", "images=1", "max_shifts=2"),
        ):
            finished = scripts(name, *overrides)
            assert finished.code == 0, finished.err

    scripts.make_once(kept, make)
    return scripts


def report(scripts: Scripts, *overrides: str) -> tuple[Finished, Path]:
    return scripts("report", *overrides), scripts.folder / "runs/comparison"


def test_one_page_holds_all_three_comparisons_and_needs_nothing_else(compared: Scripts) -> None:
    finished, folder = report(compared, "paths.data_dir=sets")
    assert finished.code == 0, finished.err
    page = (folder / "report.html").read_text()
    for heading in ("Accuracy", "Predictions", "Checkerboards", "Speed", "Protocol and commands"):
        assert f">{heading}</h2>" in page
    references = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', page) + re.findall(r"url\(([^)]*)", page)
    assert all(reference.startswith(("data:", "#")) for reference in references)
    assert "second observer" in page
    assert str(compared.folder) not in page
    found = json.loads((folder / "report.json").read_text())
    assert list(found["answer"]) == ["Accuracy", "Speed", "Checkerboards"]
    shown = [image["name"] for image in found["predictions"]["images"]]
    assert len(shown) == 3
    # image and label, whole and enlarged; map and errors of two variants; five other figures
    assert page.count("<img") == len(shown) * 8 + 5
    assert "report.md" not in {path.name for path in folder.iterdir()}
    for sentence in found["answer"].values():
        assert sentence.replace("−", "-") in " ".join(finished.out.split())
    assert "fundus-unet train data=chasedb1" in page
    assert "upsampler=bilinear_conv seed=1" in page


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium here")
def test_a_browser_shows_it_without_an_error_and_without_asking_for_anything(compared: Scripts) -> None:
    _, folder = report(compared)
    browser = next(name for name in BROWSERS if shutil.which(name))
    shown = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            f"--user-data-dir={compared.folder / 'browser'}",
            "--enable-logging=stderr",
            "--dump-dom",
            (folder / "report.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Protocol and commands" in shown.stdout
    assert "CONSOLE" not in shown.stderr


def pictures(folder: Path) -> dict[str, np.ndarray]:
    """The pictures of predictions, by what they are said to show."""
    found = re.findall(
        r'<figure><img alt="([^"]*)" src="data:image/png;base64,([^"]*)"', (folder / "report.html").read_text()
    )
    return {
        title: np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
        for title, data in found
    }


def test_without_images_only_maps_are_shown(compared: Scripts) -> None:
    _, folder = report(compared, "show_images=false", "images=[Image_11L]")
    maps = pictures(folder)
    variants = ("transposed_k4s2p1", "bilinear_conv")
    titles = (f"{variants[0]}, whole", *variants, f"{variants[1]}, difference")
    assert set(maps) == {f"{title} of Image_11L" for title in titles}
    for variant in variants:
        assert np.ptp(maps[f"{variant} of Image_11L"], axis=2).max() == 0
    assert "Errors at threshold" not in (folder / "report.html").read_text()
    report(compared, "images=[Image_11L]")
    everything = pictures(folder)
    assert {"image of Image_11L", "label of Image_11L", f"{variants[1]}, errors of Image_11L"} < set(everything)
    assert np.ptp(everything["image of Image_11L"], axis=2).max() > 50
    assert "Errors at threshold" in (folder / "report.html").read_text()


def test_images_are_chosen(compared: Scripts) -> None:
    _, folder = report(compared, "images=[Image_14R,Image_11L]")
    assert re.findall("<h3>(Image_...)", (folder / "report.html").read_text()) == ["Image_14R", "Image_11L"]
    _, folder = report(compared, "images=[]")
    assert ">Predictions<" not in (folder / "report.html").read_text()


def test_runs_or_images_that_are_gone_are_said_not_to_be_shown(compared: Scripts) -> None:
    finished, folder = report(compared, "paths.data_dir=nowhere")
    assert finished.code == 0, finished.err
    assert len([line for line in finished.out.splitlines() if line.startswith("not shown: ")]) == 1
    assert "(no image and label that can be used are here)." in (folder / "report.html").read_text()
    shutil.rmtree(folder / "runs")
    finished, _ = report(compared)
    assert finished.code == 0, finished.err
    assert "Not shown: every variant (no checkpoint that can be used is here)." in (folder / "report.html").read_text()


def test_predictions_are_shown_of_a_seed_that_every_variant_has_a_checkpoint_of(compared: Scripts) -> None:
    folder = compared.folder / "runs/comparison"

    def shown() -> str:
        report(compared, "images=[Image_11L]")
        return (folder / "report.html").read_text()

    shutil.rmtree(folder / "runs/bilinear_conv_seed0/checkpoints")
    assert "white (1), seed 1." in shown()
    shutil.rmtree(folder / "runs/transposed_k4s2p1_seed1/checkpoints")
    assert "white (1), seed 0 and 1." in shown()
    (folder / "runs/bilinear_conv_seed1/checkpoints/best.ckpt").write_bytes(b"damaged")
    assert "Not shown: bilinear_conv (no checkpoint that can be used is here)." in shown()
    assert "transposed_k4s2p1, errors of Image_11L" in pictures(folder)


def test_bad_input(compared: Scripts) -> None:
    folder = compared.folder / "runs/comparison"
    for override, message in (
        ("dir=nowhere", "nothing to report"),
        ("images=[Image_11X]", "did you mean 'Image_11"),
        ("images=Image_11L", "images"),
        ("titel=x", "did you mean 'title'"),
    ):
        finished, _ = report(compared, override)
        assert finished.code == 2
        assert message in finished.err
    (folder / "speed.json").write_text("{")
    assert "cannot be read" in report(compared)[0].err
