"""Predict with several networks, and the uncertainty that they or turned copies give."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from data.layouts import draw
from fundus_unet import load_model
from fundus_unet.core.errors import InputError
from running import Finished, Scripts, contents, refused, succeeded

FULL = ("probability_bits=16", "precision=32-true", "outputs=[probability,mask]")


@pytest.fixture
def runs(scripts: Scripts) -> list[Path]:
    """Two small trainings that differ in their seed."""
    found = []
    for seed in (1, 2):
        scripts.tiny_run(f"seed={seed}").rename(scripts.folder / f"runs/run{seed}")
        found.append(Path(f"runs/run{seed}"))
    return found


@pytest.fixture
def photo(scripts: Scripts) -> Path:
    path = scripts.folder / "photo.png"
    Image.fromarray(draw(0)[0]).save(path)
    return path


def predict(scripts: Scripts, *overrides: str) -> Finished:
    return scripts("predict", "images=photo.png", "device=cpu", *overrides)


def read(scripts: Scripts, path: str) -> np.ndarray:
    return cv2.imread(str(scripts.folder / path), cv2.IMREAD_UNCHANGED)


def settings(scripts: Scripts, folder: str) -> dict:
    return json.loads((scripts.folder / folder / "settings.json").read_text())


def test_the_mean_of_runs_and_how_far_they_differ(scripts: Scripts, runs: list[Path], photo: Path) -> None:
    for number, run in enumerate(runs):
        succeeded(predict(scripts, f"run_dir={run}", f"out_dir=out{number}", *FULL))
    both = "[runs/run1,runs/run2]"
    kinds = "outputs=[probability,mask,uncertainty]"
    succeeded(predict(scripts, f"run_dir={both}", "out_dir=both", *FULL, kinds))
    one, other = (read(scripts, f"out{number}/probability/photo.png").astype(float) for number in range(2))
    mean, spread = (read(scripts, f"both/{kind}/photo.png") for kind in ("probability", "uncertainty"))
    assert spread.dtype == np.uint16
    assert spread.shape == draw(0)[1].shape
    assert np.abs(mean - (one + other) / 2).max() <= 1.5
    assert np.abs(spread / 65535 * 0.5 - np.abs(one - other) / 65535 / 2).max() < 5e-5
    assert spread.max() > 100
    alone = [settings(scripts, f"out{number}") for number in range(2)]
    together = settings(scripts, "both")
    assert together["threshold"] == pytest.approx(np.mean([one["threshold"] for one in alone]))
    assert sorted(together["weights"].split("+")) == sorted(one["weights"] for one in alone)
    assert sorted(together["model"].split(" + ")) == ["run1", "run2"]
    mask = read(scripts, "both/mask/photo.png") > 0
    assert np.abs((mean / 65535 >= together["threshold"]).astype(int) - mask).mean() < 0.01


def test_in_another_order_they_are_the_same(scripts: Scripts, runs: list[Path], photo: Path) -> None:
    """Also where they are named as weights: what is there is kept, not predicted again."""
    succeeded(predict(scripts, "run_dir=[runs/run1,runs/run2]", "out_dir=both", *FULL))
    before = contents(scripts.folder / "both")
    succeeded(predict(scripts, "weights=[runs/run2,runs/run1]", "out_dir=both", *FULL))
    after = contents(scripts.folder / "both")
    assert after["settings.json"] == before["settings.json"]
    assert after["predictions.csv"] == before["predictions.csv"]
    refused(predict(scripts, "run_dir=runs/run1", "out_dir=both", *FULL), "other settings", "before, run1 now")


def test_runs_and_files_in_both_runtimes(scripts: Scripts, runs: list[Path], photo: Path) -> None:
    succeeded(scripts("export", f"run_dir={runs[0]}"))
    for run in runs:
        succeeded(scripts("export", f"run_dir={run}", "format=onnx"))
    for out, models in {
        "mixed": ["weights=[runs/run1/export/model.safetensors,runs/run2]"],
        "onnx": ["weights=[runs/run1/export/model.onnx,runs/run2/export/model.onnx]", "runtime=onnx"],
        "runs": ["run_dir=[runs/run1,runs/run2]"],
    }.items():
        kinds = "outputs=[probability,uncertainty]"
        succeeded(predict(scripts, *models, f"out_dir={out}", *FULL, kinds))
    for kind in ("probability", "uncertainty"):
        expected = read(scripts, f"runs/{kind}/photo.png").astype(int)
        assert np.abs(read(scripts, f"mixed/{kind}/photo.png") - expected).max() <= 1
        assert np.abs(read(scripts, f"onnx/{kind}/photo.png") - expected).max() <= 5


def test_uncertainty_of_turned_copies(scripts: Scripts, runs: list[Path], photo: Path) -> None:
    kinds = "outputs=[probability,uncertainty]"
    succeeded(predict(scripts, "run_dir=runs/run1", "tta=d4", kinds, "out_dir=turned"))
    assert read(scripts, "turned/uncertainty/photo.png").max() > 50
    words = ["there is no uncertainty", "set tta=d4", "weights=[a,b]"]
    refused(predict(scripts, "run_dir=runs/run1", kinds, "out_dir=none"), *words)
    assert not (scripts.folder / "none").exists()


def test_networks_that_do_not_go_together(scripts: Scripts, runs: list[Path], photo: Path) -> None:
    refused(predict(scripts, "run_dir=[runs/run1,runs/run1]"), "a network is named twice", "leave one")
    refused(predict(scripts, "weights=[runs/run1,vessels]"), "different working resolutions", "scale=1", "fov_diameter")
    succeeded(predict(scripts, "weights=[runs/run1,vessels]", "scale=native", "outputs=[mask]"))
    refused(
        predict(scripts, "run_dir=[runs/run1]", "weights=[vessels]"),
        "two networks are named",
        "weights=[...], which takes run directories too",
    )
    refused(predict(scripts, "weights=[]"), "weights")
    refused(predict(scripts, "weights=[vessels,vesels]"), "did you mean 'vessels'")
    refused(predict(scripts, "outputs=[uncertanty]"), "did you mean 'uncertainty'")


def test_from_python(scripts: Scripts, runs: list[Path], photo: Path) -> None:
    paths = [scripts.folder / run for run in runs]
    both = load_model(paths, device="cpu").predict(photo)
    alone = [load_model(path, device="cpu").predict(photo) for path in paths]
    np.testing.assert_allclose(both.probability, np.mean([one.probability for one in alone], axis=0), atol=1e-6)
    np.testing.assert_allclose(both.uncertainty, np.std([one.probability for one in alone], axis=0), atol=1e-6)
    assert alone[0].uncertainty is None
    assert load_model(paths[0], device="cpu", tta="flips").predict(photo).uncertainty.max() > 0
    with pytest.raises(InputError, match="no network is named"):
        load_model([], device="cpu")
