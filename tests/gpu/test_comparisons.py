"""Every comparison and benchmark on a GPU, small."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from fundus_unet.comparison.speed import roofline
from gpu.on_cuda import CUDA, DATA, ON_CUDA
from running import Scripts, succeeded

pytestmark = pytest.mark.gpu
VARIANTS = "upsamplers=[transposed_k4s2p1,bilinear_conv]"
UNTRAINED = (
    "model.widths=[4,8]",
    "data.source.train=1",
    "data.source.val=1",
    "data.source.test=1",
    "data.source.size=128",
    "seeds=[0]",
    "max_shifts=4",
)


@pytest.fixture(autouse=True)
def _small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofline, "LARGEST", 512)


def result(scripts: Scripts, name: str) -> dict[str, Any]:
    return json.loads((scripts.folder / Path(name)).read_text())


def test_accuracy(scripts: Scripts) -> None:
    succeeded(scripts("compare_accuracy", *DATA, *ON_CUDA, VARIANTS, "seeds=[0,1]", "trainer.precision=auto"))
    found = result(scripts, "runs/comparison/accuracy.json")
    assert list(found["variants"]) == ["transposed_k4s2p1", "bilinear_conv"]
    for variant in found["variants"].values():
        assert len(variant["scores"]["network at 0.5"]["dice"]["pooled"]["per_seed"]) == 2


@pytest.mark.parametrize("generator", [None, "dcgan"])
def test_checkerboards_are_those_that_a_cpu_finds(scripts: Scripts, generator: str | None) -> None:
    """Tolerance: 1 % and 2e-3; 0.2 decibels, 2 where there is no line but a gap, whose depth is rounding.

    Convolutions are in float32 proper.
    """
    found = {}
    for device in ("cpu", CUDA):
        chosen = UNTRAINED if generator is None else (*UNTRAINED[1:], "images=1", f"generator={generator}")
        succeeded(scripts("compare_checkerboard", *chosen, VARIANTS, f"device={device}", f"out_dir={device}"))
        found[device] = result(scripts, f"{device}/checkerboard.json")["variants"]
    compared = 0
    for variant, states in found["cpu"].items():
        for measure, places in states["init"].items():
            for place, expected in places.items():
                got = found[CUDA][variant]["init"][measure][place]
                if expected.get("mean") is not None:
                    decibels = 0.2 if expected["mean"] > -10 else 2.0
                    tolerance = decibels if measure == "grid_line_spectrum" else 2e-3
                    assert got["mean"] == pytest.approx(expected["mean"], rel=0.01, abs=tolerance), (measure, place)
                    compared += 1
    assert compared > 10


@pytest.mark.parametrize("level", ["layer", "network"])
def test_speed(scripts: Scripts, level: str) -> None:
    """Of networks in training with memory, of layers in both modes without: a process for every row takes its time."""
    memory = level == "network"
    chosen = (f"levels=[{level}]", f"memory={str(memory).lower()}", *["modes=[training]"] * memory)
    small = ("model.widths=[4,8]", "training.image_size=32", "training.batch_sizes=[2]", "inference.image_size=64")
    effort = ("rounds=2", "min_seconds=0.001", "memory_formats=[channels_last]", f"devices=[{CUDA}]")
    succeeded(scripts("compare_speed", *small, *effort, *chosen, VARIANTS))
    found = result(scripts, "runs/comparison/speed.json")
    assert found["complete"]
    assert {row["status"] for row in found["rows"]} == {"measured"}, [row["reason"] for row in found["rows"]]
    assert len(found["rows"]) == (4 if memory else 8)
    assert all((row["accelerator_memory_bytes"] or 0) > 0 for row in found["rows"]) == memory
    rates = {rate["dtype"]: rate for rate in found["matrix_product_rate"]}
    assert (rates["float32"]["tf32"], rates["bfloat16"]["tf32"]) == (torch.backends.cudnn.allow_tf32, False)


def test_inference(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    backends = "backends=['channels_last bfloat16','folded float32','folded bfloat16']"
    effort = ("sizes=[128]", "tile=96", "rounds=1", "min_seconds=0.001", f"device={CUDA}")
    succeeded(scripts("benchmark_inference", f"run_dir={run}", backends, *effort))
    found = result(scripts, "runs/benchmark/inference.json")
    assert found["complete"]
    assert len(found["rows"]) == 4
    assert {row["status"] for row in found["rows"]} == {"measured"}, [row["reason"] for row in found["rows"]]
    assert all(row["accelerator_memory_bytes"] > 0 for row in found["rows"])


def test_time_to_quality(scripts: Scripts) -> None:
    goals = ("targets=[0.001,0.999]", "minutes=[100]", "seeds=[0]", "upsamplers=[bilinear_conv]")
    succeeded(scripts("benchmark_training", *DATA, *ON_CUDA, *goals, "trainer.precision=bf16-mixed"))
    (run,) = result(scripts, "runs/benchmark/time_to_quality.json")["runs"]
    assert run["accelerator"] == torch.cuda.get_device_name()
    assert run["minutes_to"][0]["minutes"] > 0


def test_where_the_time_goes(scripts: Scripts) -> None:
    measured = ("measure=overhead", "overhead.steps=10", "overhead.rounds=2", "upsamplers=[bilinear_conv]")
    succeeded(scripts("benchmark_training", *DATA, *ON_CUDA, *measured, "data.workers=2"))
    found = result(scripts, "runs/benchmark/training_overhead.json")
    assert all(loop["seconds"]["median"] > 0 for loop in found["loops"])
    assert set(found["bare_step_parts"]) == {"forward", "loss", "backward", "gradient clipping", "optimizer"}
