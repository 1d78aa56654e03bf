"""What `export` writes gives the network's logits, says how to use it, and replaces nothing unasked."""

import json
import sys
import zipfile
from pathlib import Path

import onnxruntime
import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor, nn

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.metrics.masks import Hysteresis
from fundus_unet.runs.export import export_network
from fundus_unet.runs.learned_images import recorded_images
from fundus_unet.runs.load import load_predictor, read_weights
from fundus_unet.runs.model_facts import ModelFacts
from fundus_unet.runs.model_file import DTYPES, read_model_file
from fundus_unet.runs.recalibration import Recalibration
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.safetensors_file import read_tensors
from running import ROOT, Finished, Scripts
from runs.model_cases import facts_with, network_of
from tensors import noise

UPSAMPLERS = ("transposed_k4s2p1", "transposed_k3s2p1", "bilinear_conv")
TOLERANCE = 1e-5


@pytest.fixture
def run(scripts: Scripts, kept: Path) -> Path:
    """The tiny run that these tests share."""
    scripts.make_once(kept, lambda: scripts.train("upsampler=transposed_k3s2p1", "seed=3"))
    return next((scripts.folder / "runs").glob("[!.]*"))


def succeeded(finished: Finished) -> Finished:
    assert finished.code == 0, finished.err
    return finished


def exported_by(path: Path) -> tuple[dict[str, str], object]:
    """The metadata of a program and a function from images to logits, by the runtime's own functions alone."""
    if path.suffix == ".onnx":
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        return session.get_modelmeta().custom_metadata_map, lambda image: torch.from_numpy(
            session.run(None, {"image": image.numpy()})[0]
        )
    metadata = dict.fromkeys(facts_with().as_metadata(), "")
    program = torch.export.load(path, extra_files=metadata)
    return metadata, program.module()


@torch.inference_mode()
def largest_difference(first: nn.Module, second, *images: Tensor) -> float:
    return max(float((first(image) - second(image)).abs().max()) for image in images)


@pytest.mark.parametrize("upsampler", UPSAMPLERS)
@pytest.mark.parametrize("form", ["onnx", "torch_export"])
def test_a_program_gives_the_logits_at_any_batch_and_size(form: str, upsampler: str, tmp_path: Path) -> None:
    facts = facts_with(upsampler)
    network = network_of(facts)
    path = tmp_path / "made" / ("model.onnx" if form == "onnx" else "model.pt2")
    difference = export_network(network, facts, path, form, TOLERANCE)
    assert 0 <= difference <= TOLERANCE
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    metadata, program = exported_by(path)
    assert ModelFacts.from_metadata(metadata, path) == facts
    assert json.loads(metadata["preprocessing"])["size_multiple"] == 2
    sizes = [(1, 3, 4, 4), (3, 3, 10, 64), (2, 3, 50, 6), (1, 3, 130, 132)]
    assert largest_difference(network, program, *(noise(*size) for size in sizes)) <= TOLERANCE
    assert not any(str(place).encode() in part for place in (ROOT, tmp_path) for part in parts_of(path))


def parts_of(path: Path) -> list[bytes]:
    if not zipfile.is_zipfile(path):
        return [path.read_bytes()]
    with zipfile.ZipFile(path) as archive:
        return [archive.read(name) for name in archive.namelist()]


def test_a_program_of_a_deep_network_with_strided_convolutions(tmp_path: Path) -> None:
    facts = facts_with("bilinear_conv", size_multiple=8, context=64)
    facts.model["widths"] = [2, 2, 4, 4]
    facts.model["downsampler"]["_target_"] = "fundus_unet.models.downsampling.StridedConvDownsampler"
    network, path = network_of(facts), tmp_path / "model.pt2"
    export_network(network, facts, path, "torch_export", TOLERANCE)
    assert largest_difference(network, exported_by(path)[1], noise(2, 3, 16, 40), noise(1, 3, 72, 24)) <= TOLERANCE


@pytest.mark.parametrize(
    ("form", "overrides"),
    [
        ("onnx", ["model=attention_unet", "model.widths=[4,8]"]),
        ("torch_export", ["model=resnet_unet", "model.encoder=resnet18"]),
    ],
    ids=["attention_unet", "resnet_unet"],
)
def test_a_program_of_another_network(form: str, overrides: list[str], tmp_path: Path) -> None:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        model = plain(compose("train", overrides).model)
    network = network_of(facts_with(model=model))
    facts = facts_with(model=model, size_multiple=network.size_multiple, context=network.context)
    assert export_network(network, facts, tmp_path / "model", form, 1e-4) <= 1e-4


def test_a_program_that_differs_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(nn.Module):
        def __init__(self, *_: object) -> None:
            super().__init__()

        def forward(self, image: Tensor) -> Tensor:
            return torch.full_like(image[:, :1], torch.nan)

    monkeypatch.setitem(export_network.__globals__["_LOADERS"], "safetensors", Other)
    path = tmp_path / "made" / "model.safetensors"
    with pytest.raises(InputError, match="does not give the logits"):
        export_network(network_of(facts_with()), facts_with(), path, "safetensors", TOLERANCE)
    assert list(tmp_path.iterdir()) == []


class TestScript:
    def test_safetensors_of_a_run(self, scripts: Scripts, run: Path) -> None:
        finished = succeeded(scripts("export", f"run_dir={run}"))
        path = run / "export/model.safetensors"
        assert f"scripts/predict.py weights={path} images=" in finished.out
        network, facts = read_model_file(path)
        opened = RunDirectory(run)
        trained = read_weights(opened.path / "checkpoints/best.ckpt")
        assert all(torch.equal(trained[key], value) for key, value in network.state_dict().items())
        assert facts.threshold == json.loads((run / "threshold.json").read_text())["threshold"]
        assert (facts.scale, facts.fov_diameter, facts.size_multiple) == (1, None, 2)
        assert (facts.precision, facts.upsampler) == ("32-true", "transposed_k3s2p1")
        assert (facts.trained_on.data, facts.trained_on.seed) == ("chasedb1", 3)
        assert facts.trained_on.commit == opened.environment["commit"]
        assert facts.trained_on.created.startswith("20")
        assert set(facts.trained_on.images) == recorded_images(run)
        assert facts.model["widths"] == [4, 8]

    def test_half_the_file_of_nearly_the_same_logits(self, scripts: Scripts, run: Path) -> None:
        for dtype, tolerance in (("float32", 1e-4), ("float16", 0.05)):
            path = f"path={dtype}.safetensors"
            succeeded(scripts("export", f"run_dir={run}", path, f"dtype={dtype}", f"tolerance={tolerance}"))
        whole, half = (read_tensors(scripts.folder / f"{dtype}.safetensors", "", "") for dtype in DTYPES)
        assert half[0] == whole[0]
        sizes = [sum(value.nbytes for value in tensors.values()) for _, tensors in (whole, half)]
        assert 0.5 < sizes[1] / sizes[0] < 0.6
        network, rounded = (read_model_file(scripts.folder / f"{dtype}.safetensors")[0] for dtype in DTYPES)
        assert {value.dtype for value in rounded.parameters()} == {torch.float32}
        for name, value in network.named_buffers():
            assert torch.equal(dict(rounded.named_buffers())[name], value)
        assert 0 < largest_difference(network, rounded, noise(1, 3, 40, 30)) < 0.05

    @pytest.mark.parametrize("form", ["safetensors", "onnx"])
    @torch.inference_mode()
    def test_other_probabilities_of_the_same_masks(self, scripts: Scripts, run: Path, form: str) -> None:
        path = scripts.folder / f"moved.{form}"
        given = ("calibration.centre=0.6", "calibration.slope=0.5", "hysteresis.low=0.125")
        succeeded(scripts("export", f"run_dir={run}", f"format={form}", f"path={path}", *given))
        own = load_predictor(RunDirectory(run), "best", "cpu").network
        if form == "onnx":
            metadata, moved = exported_by(path)
            facts = ModelFacts.from_metadata(metadata, path)
        else:
            moved, facts = read_model_file(path)
        image = noise(1, 3, 8, 6)
        torch.testing.assert_close(moved(image), 0.5 * (own(image) - torch.tensor(0.6).logit()), rtol=1e-3, atol=1e-3)
        kept = RunDirectory(run).masks
        assert facts.threshold == pytest.approx(Recalibration(0.6, 0.5).probability(kept.threshold))
        assert facts.hysteresis is not None
        assert kept.hysteresis is not None
        assert facts.hysteresis.high == pytest.approx(Recalibration(0.6, 0.5).probability(kept.hysteresis.high))
        assert facts.hysteresis.low == 0.125

    def test_onnx_of_a_run_and_its_tolerance(self, scripts: Scripts, run: Path) -> None:
        refused = scripts("export", f"run_dir={run}", "format=onnx", "tolerance=1e-12")
        assert refused.code == 2
        assert "tolerance" in refused.err
        assert not (run / "export").exists()
        finished = succeeded(scripts("export", f"run_dir={run}", "format=onnx", "path=mine.onnx"))
        assert "runtime=onnx" in finished.out
        assert "1.0e-04 allowed" in finished.out
        assert finished.err == ""
        assert len(finished.out.splitlines()) == 3
        metadata, program = exported_by(scripts.folder / "mine.onnx")
        assert ModelFacts.from_metadata(metadata, run).upsampler == "transposed_k3s2p1"
        assert (
            largest_difference(load_predictor(RunDirectory(run), "best", "cpu").network, program, noise(1, 3, 8, 6))
            < 1e-4
        )

    def test_the_last_checkpoint_has_its_own_weights_and_masks(
        self, scripts: Scripts, run: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        own = ChosenMasks(0.77, Hysteresis(0.25, 0.85, 0.04))
        monkeypatch.setattr("fundus_unet.inference.evaluation.choose_masks", lambda *_: own)
        succeeded(scripts("export", f"run_dir={run}", "checkpoint=last"))
        network, facts = read_model_file(run / "export/model.safetensors")
        last = read_weights(RunDirectory(run).path / "checkpoints/last.ckpt")
        assert all(torch.equal(last[key], value) for key, value in network.state_dict().items())
        assert facts.masks == own

    def test_a_file_is_replaced_only_where_that_is_asked_for(self, scripts: Scripts, run: Path) -> None:
        path = run / "export/model.safetensors"
        path.parent.mkdir()
        path.write_text("mine")
        for overrides, words in (([], "overwrite=true"), (["overwrite=no"], "overwrite cannot be used")):
            refused = scripts("export", f"run_dir={run}", *overrides)
            assert refused.code == 2
            assert words in refused.err
            assert path.read_text() == "mine"
        succeeded(scripts("export", f"run_dir={run}", "overwrite=true"))
        read_model_file(path)
        assert [one.name for one in path.parent.iterdir()] == [path.name]

    @pytest.mark.parametrize(
        ("overrides", "expected"),
        [
            (["format=safetensor"], "did you mean 'safetensors'"),
            (["format=onxx"], "did you mean 'onnx'"),
            (["formt=onnx"], "did you mean 'format'"),
            (["checkpoint=bset"], "did you mean 'best'"),
            (["tolerance=-1"], "tolerance"),
            (["tolerance=nan"], "tolerance"),
            (["tolerance=some"], "tolerance"),
            (["dtype=float61"], "did you mean 'float16'"),
            (["dtype=float16"], "tolerance=...; float32 logits"),
            (["calibration.centre=1"], "calibration.centre"),
            (["calibration.slope=0"], "calibration.slope"),
            (["calibration.slope=1e-9"], "calibration.slope"),
            (["calibration=0.6"], "a group of settings"),
            (["calibration.slop=1"], "did you mean 'calibration.slope'"),
            (["dtype=float16", "format=torch_export"], "dtype=float16 is of format=safetensors"),
            (["path=model.onnx"], "a name ending in .safetensors"),
            (["path=sets/CHASE_DB1/Image_01L.jpg/model.safetensors"], "cannot be written"),
            (["run_dir=nowhere"], "nowhere"),
            (["run_dir=null"], "run_dir=RUN_DIRECTORY"),
        ],
        ids=lambda value: value[0] if isinstance(value, list) else "",
    )
    def test_refuses(self, scripts: Scripts, run: Path, overrides: list[str], expected: str) -> None:
        finished = scripts("export", f"run_dir={run}", *overrides)
        assert finished.code == 2
        assert expected in finished.err
        assert not (run / "export").exists()

    def test_refuses_a_run_that_is_not_finished_or_damaged(self, scripts: Scripts, run: Path) -> None:
        threshold = run / "threshold.json"
        for text in ("", "{}", '{"threshold": "high"}', '{"threshold": 7}'):
            threshold.write_text(text)
            finished = scripts("export", f"run_dir={run}")
            assert finished.code == 2
            assert "threshold" in finished.err
        threshold.unlink()
        finished = scripts("export", f"run_dir={run}")
        assert finished.code == 2
        assert f"resume={run}" in finished.err
        assert not (run / "export").exists()

    def test_says_which_packages_onnx_needs(self, scripts: Scripts, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "onnxscript", None)
        finished = scripts("export", f"run_dir={run}", "format=onnx")
        assert finished.code == 2
        assert "no onnxscript" in finished.err
        assert "fundus-unet[onnx]" in finished.err
