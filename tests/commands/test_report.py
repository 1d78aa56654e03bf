"""The report: from three comparisons, or some of them, to one page that a person can read."""

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
    for heading in ("Accuracy", "Predictions", "Checkerboards", "Speed and memory", "Protocol and reproduction"):
        assert f"<h2>{heading}</h2>" in page
    references = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', page) + re.findall(r"url\(([^)]*)", page)
    assert len(references) >= 6
    assert all(reference.startswith("data:") for reference in references)
    assert "second observer" in page
    assert str(compared.folder) not in page
    text = (folder / "report.md").read_text()
    figures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
    assert len(figures) == 6
    assert all((folder / name).is_file() for name in figures)
    found = json.loads((folder / "report.json").read_text())
    assert {"accuracy", "speed", "checkerboard"} < set(found)
    assert found["conclusions"][0].startswith("**In short**: ")
    assert found["conclusions"][1].startswith("**Dice**: ")
    for sentence in found["conclusions"]:
        assert sentence.replace("**", "").replace("`", "") in " ".join(finished.out.split())
    assert "fundus-unet train data=chasedb1" in text
    assert "upsampler=bilinear_conv seed=1" in text


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
    assert "Protocol and reproduction" in shown.stdout
    assert "CONSOLE" not in shown.stderr


def test_without_images_only_maps_are_shown(compared: Scripts) -> None:
    _, folder = report(compared, "show_images=false")
    maps = np.asarray(Image.open(folder / "report/predictions.png").convert("RGB"))
    assert "Errors at threshold" not in (folder / "report.md").read_text()
    report(compared, "show_images=true")
    everything = np.asarray(Image.open(folder / "report/predictions.png").convert("RGB"))
    assert everything.shape[0] > maps.shape[0]
    # maps are grey, but for the frame; images and errors are not
    colourful = [float((np.ptp(shown.astype(int), axis=2) > 24).mean()) for shown in (maps, everything)]
    assert colourful[0] < 0.02 < 3 * colourful[0] < colourful[1]
    assert "Errors at threshold" in (folder / "report.md").read_text()


@pytest.mark.parametrize("kind", ["accuracy", "speed", "checkerboard"])
def test_each_comparison_alone_makes_a_report(compared: Scripts, kind: str) -> None:
    folder = compared.folder / "runs/comparison"
    for other in {"accuracy", "speed", "checkerboard"} - {kind}:
        (folder / f"{other}.json").unlink()
    finished, _ = report(compared)
    assert finished.code == 0, finished.err
    headings = re.findall("<h2>(.*?)</h2>", (folder / "report.html").read_text())
    expected = {"accuracy": "Accuracy", "speed": "Speed and memory", "checkerboard": "Checkerboards"}
    assert expected[kind] in headings
    assert not (set(expected.values()) - {expected[kind]}) & set(headings)


def test_runs_or_images_that_are_gone_are_said_not_to_be_shown(compared: Scripts) -> None:
    folder = compared.folder / "runs/comparison"
    shutil.rmtree(folder / "runs")
    finished, _ = report(compared)
    assert finished.code == 0, finished.err
    assert "no figures of predictions" in finished.out
    assert "Not shown: " in (folder / "report.md").read_text()


def test_predictions_are_shown_of_a_seed_that_every_variant_has_a_checkpoint_of(compared: Scripts) -> None:
    folder = compared.folder / "runs/comparison"
    shutil.rmtree(folder / "runs/bilinear_conv_seed0/checkpoints")
    report(compared)
    assert ", seed 1; then, enlarged" in (folder / "report.md").read_text()
    shutil.rmtree(folder / "runs/transposed_k4s2p1_seed1/checkpoints")
    report(compared)
    assert ", seed 0, 1; then, enlarged" in (folder / "report.md").read_text()
    shutil.rmtree(folder / "runs/bilinear_conv_seed1/checkpoints")
    report(compared)
    assert "has no best checkpoint" in (folder / "report.md").read_text()


def test_bad_input(compared: Scripts) -> None:
    folder = compared.folder / "runs/comparison"
    for override, message in (
        ("dir=nowhere", "nothing to report"),
        ("image=Image_11X", "did you mean 'Image_11"),
        ("titel=x", "did you mean 'title'"),
    ):
        finished, _ = report(compared, override)
        assert finished.code == 2
        assert message in finished.err
    (folder / "speed.json").write_text('{"kind": "accuracy"}')
    assert "no result of scripts/compare_speed.py" in report(compared)[0].err
    (folder / "speed.json").write_text('{"kind": "speed", "control": "k4"}')
    assert "got: no command, created, environment, rows" in report(compared)[0].err
    (folder / "speed.json").write_text("{")
    assert "cannot be read" in report(compared)[0].err
