"""A network that a GPU trained is exported, and predicts anywhere."""

import pytest
from PIL import Image

from data.layouts import draw
from gpu.on_cuda import CUDA, train
from running import Scripts, succeeded

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize(("form", "file"), [("safetensors", "model.safetensors"), ("onnx", "model.onnx")])
def test_of_a_run_in_bfloat16(scripts: Scripts, form: str, file: str) -> None:
    if form == "onnx":
        pytest.importorskip("onnxscript")
        pytest.importorskip("onnxruntime")
    run = succeeded(train(scripts, "trainer.precision=bf16-mixed")).run_directory
    succeeded(scripts("export", f"run_dir={run}", f"format={form}"))
    Image.fromarray(draw(0, (90, 96))[0]).save(scripts.folder / "photo.png")
    runtime, devices = ("onnx", ["cpu"]) if form == "onnx" else ("torch", ["cpu", CUDA])
    for device in devices:
        settings = (f"weights={run / 'export' / file}", f"runtime={runtime}", f"device={device}", f"out_dir={device}")
        finished = succeeded(scripts("predict", "images=photo.png", *settings))
        assert "1 of 1 images have their maps" in finished.out
