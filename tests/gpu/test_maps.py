"""The maps of a GPU are those of a CPU: float32 to 5e-4, with TF32 and bfloat16 to what these round to."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from data.layouts import draw
from fundus_unet.comparison.inference.measure import noise_image
from fundus_unet.core.float32 import without_tf32
from fundus_unet.runs.trained_model import load_trained
from gpu.on_cuda import CUDA
from running import Scripts, succeeded

pytestmark = pytest.mark.gpu
TOLERANCE = 5e-4
"""In float32, of a probability: sums in another order, through all layers."""


@pytest.fixture
def photos(scripts: Scripts) -> Path:
    folder = scripts.folder / "photos"
    folder.mkdir()
    for seed in range(2):
        Image.fromarray(draw(seed, (150, 170))[0]).save(folder / f"{seed}.png")
    return folder


def maps(folder: Path) -> np.ndarray:
    return np.stack([cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.glob("probability/*.png"))])


def predict(scripts: Scripts, run: Path, device: str, *overrides: str) -> np.ndarray:
    settings = ("outputs=[probability]", "probability_bits=16", f"out_dir={device}", f"device={device}")
    finished = succeeded(scripts("predict", f"run_dir={run}", "images=photos", *settings, *overrides))
    assert "2 of 2 images have their maps" in finished.out
    return maps(scripts.folder / device) / 65535


@pytest.mark.parametrize(
    "overrides", [(), ("tile=128",), ("tta=d4", "batch_size=1")], ids=["one batch", "tiles", "d4, one by one"]
)
def test_predict_in_float32(scripts: Scripts, photos: Path, overrides: tuple[str, ...]) -> None:
    run = scripts.tiny_run()
    expected = predict(scripts, run, "cpu", "precision=32-true", *overrides)
    with without_tf32():
        exact = predict(scripts, run, CUDA, "precision=32-true", *overrides)
    assert expected.max() > 0.1
    assert np.abs(exact - expected).max() < TOLERANCE


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_predict_as_the_gpu_rounds(scripts: Scripts, photos: Path, precision: str) -> None:
    run = scripts.tiny_run()
    expected = predict(scripts, run, "cpu", "precision=32-true")
    found = predict(scripts, run, CUDA, f"precision={precision}")
    assert np.abs(found - expected).max() < {"32-true": 0.01, "bf16-mixed": 0.1}[precision]


def test_evaluate(scripts: Scripts) -> None:
    scores = []
    for device in ("cpu", CUDA):
        run = scripts.tiny_run()
        with without_tf32():
            succeeded(scripts("evaluate", f"run_dir={run}", f"device={device}", "split=val", "tta=flips"))
        written = json.loads((run / "evaluation/val_flips/metrics.json").read_text())
        scores.append(written["field_of_view"]["network at 0.5"]["pooled"])
        shutil.rmtree(run)
    for name in ("dice", "auroc", "average_precision"):
        assert scores[1][name] == pytest.approx(scores[0][name], abs=2e-3)


def test_the_weights_that_come_with_the_project() -> None:
    image, found = noise_image(160), []
    for device in ("cpu", CUDA):
        predictor = load_trained(None).predictor(torch.device(device), "32-true", 1024, "none")
        with without_tf32():
            found.append(predictor.probability(image, image.field_of_view))
    assert np.abs(found[0] - found[1]).max() < TOLERANCE
