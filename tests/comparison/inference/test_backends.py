"""Every way to execute a network gives the network's maps; what is not there is told in its row."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from data.layouts import draw
from fundus_unet.comparison.inference.accuracy import accuracy_of
from fundus_unet.comparison.inference.backends import BACKENDS, INT8, REFERENCE, Backend
from fundus_unet.comparison.inference.measure import BackendWorkload, measure_size, noise_image
from fundus_unet.comparison.inference.program import Program
from fundus_unet.comparison.speed.roofline import MatrixProductRate
from fundus_unet.comparison.speed.timing import Effort
from fundus_unet.core.errors import InputError
from fundus_unet.core.freed_memory import return_freed_memory
from fundus_unet.data.case import Case
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import LabelledImage
from fundus_unet.inference.tiling import Tiling
from fundus_unet.runs.trained_model import load_trained

CPU = torch.device("cpu")
QUICK = [name for name, backend in BACKENDS.items() if not backend.packages and not name.startswith("compiled")]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    model = load_trained(None)
    return Program(model.network.eval(), model.facts, None, tmp_path_factory.mktemp("made"))


@pytest.fixture(autouse=True)
def _memory_as_before():
    yield
    return_freed_memory()


def sample() -> LabelledImage:
    image, label, _, mask = draw(0, (96, 80))
    working = Preprocessor(scale=1).prepare(image, mask > 0)
    return LabelledImage(Case("a", Path("a.png")), working, label, (label > 0).astype(np.uint8), mask > 0)


@pytest.mark.parametrize("name", BACKENDS)
def test_the_maps_are_those_of_the_network(name: str, program: Program) -> None:
    backend = BACKENDS[name]
    for package in backend.packages:
        pytest.importorskip(package)
    image = sample()
    program = replace(program, calibration=[image.working.tensor()[None]])
    if name.startswith("compiled"):
        pytest.skip("compiles for a minute; `commands` has one")
    found = backend.predictor(program, CPU).probability(image.working, image.field_of_view)
    with torch.inference_mode():
        logits = program.network(image.working.tensor()[None])[0, 0]
    expected = logits.sigmoid().numpy() * image.field_of_view
    allowed = {"float32": 1e-5, "bfloat16": 0.05, INT8: 0.5}[backend.dtype]
    assert np.abs(found - expected).max() < allowed
    assert (np.abs(found - expected).max() > 1e-5) == (backend.dtype != "float32")


def test_int8_needs_images(program: Program) -> None:
    with pytest.raises(InputError, match="calibrated"):
        program.int8()


def test_a_package_that_is_not_there_is_named(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="not installed: onnx, onnxscript, openvino") as error:
        BACKENDS["openvino float32"].predictor(program, CPU)
    assert "pip install" in str(error.value)


def test_a_row_per_backend_and_what_fails_leaves_the_others(program: Program, monkeypatch) -> None:
    def broken(program: Program, device: torch.device):
        raise RuntimeError("no kernel\nfor this")

    monkeypatch.setitem(BACKENDS, "broken", Backend("broken", "float32", broken))
    # the order of steps rotates: first use, a round thrown away, and two that count
    slow, quick = 0.4, 0.1
    seconds = iter([slow, quick, quick, slow, slow, quick, quick, slow])
    rate = MatrixProductRate("cpu", "float32", 1e9, 256, False)
    rows = measure_size(
        [REFERENCE, "broken", "folded float32"],
        program,
        32,
        CPU,
        Effort(2, 0.01),
        {"float32": rate},
        2e4,
        memory=False,
        clock=lambda step, number: next(seconds),
    )
    by_name = {row.backend: row for row in rows}
    quick = by_name["folded float32"]
    assert (by_name["broken"].status, by_name["broken"].reason) == ("failed", "RuntimeError: no kernel for this")
    assert (quick.median_seconds, quick.rounds) == (0.1, 2)
    assert quick.speedup == pytest.approx(4)
    assert quick.nanoseconds_per_pixel == pytest.approx(0.1 / 32**2 * 1e9)
    assert quick.share_of_matrix_rate == pytest.approx(2e4 * 32**2 / 0.1 / 1e9)
    assert by_name[REFERENCE].speedup == 1


def test_tiles_are_cut_as_predict_cuts_them(program: Program) -> None:
    multiple = program.size_multiple
    tiled = replace(program, tiling=Tiling.of(41 * multiple, multiple, program.facts.context))
    image = noise_image(48 * multiple)
    whole, cut = (
        BACKENDS[REFERENCE].predictor(one, CPU).probability(image, image.field_of_view) for one in (program, tiled)
    )
    np.testing.assert_allclose(cut, whole, atol=1e-5)
    assert (cut != whole).any()


def test_conditions_of_a_measuring_process(program: Program) -> None:
    workload = BackendWorkload("compiled bfloat16", program, "cpu", 64)
    assert workload.conditions.compiled
    assert workload.conditions.image_size == (64, 64)
    assert workload.tiny().size < 64


def test_dice_of_every_backend_beside_the_reference(program: Program, monkeypatch) -> None:
    def broken(program: Program, device: torch.device):
        raise RuntimeError("planted")

    monkeypatch.setitem(BACKENDS, "broken", Backend("broken", "float32", broken))
    image = sample()
    rows = {row["backend"]: row for row in accuracy_of([*QUICK, "broken"], program, [image], CPU)}
    probability = BACKENDS[REFERENCE].predictor(program, CPU).probability(image.working, image.field_of_view)
    mask, label = probability >= program.facts.threshold, image.label > 0
    inside = image.field_of_view
    both = 2 * (mask & label & inside).sum()
    assert rows[REFERENCE]["dice"] == pytest.approx(both / ((mask & inside).sum() + (label & inside).sum()), abs=0.01)
    assert rows[REFERENCE]["dice_change"] == rows[REFERENCE]["largest_difference"] == 0
    assert 0 < rows["folded float32"]["largest_difference"] < 1e-5
    assert 1e-4 < rows["folded bfloat16"]["largest_difference"] < 0.1
    assert rows["broken"]["reason"] == "RuntimeError: planted"
    assert rows["broken"]["dice"] is None


def test_memory_is_measured_in_a_process_of_its_own(program: Program) -> None:
    (row,) = measure_size(
        [REFERENCE], program, 64, CPU, Effort(1, 0.001), {}, 1.0, memory=True, clock=lambda step, number: 1.0
    )
    assert row.process_memory_bytes > 0
    assert row.share_of_matrix_rate is None
