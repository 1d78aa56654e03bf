"""ONNX Runtime gives the network's logits for images of any size, and refuses files it cannot use."""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from fundus_unet.core.errors import InputError
from fundus_unet.inference.onnx_runtime import OnnxNetwork
from fundus_unet.runs.export import export_network
from fundus_unet.runs.model_facts import ModelFacts
from runs.model_cases import facts_with, network_of
from tensors import noise


@pytest.fixture(scope="module")
def facts() -> ModelFacts:
    """Of a network of depth 3 with strided convolutions."""
    facts = facts_with("transposed_k3s2p1", size_multiple=8, context=64)
    facts.model["widths"] = [2, 4, 4, 4]
    facts.model["downsampler"]["_target_"] = "fundus_unet.models.downsampling.StridedConvDownsampler"
    return facts


@pytest.fixture(scope="module")
def path(facts: ModelFacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    export_network(network_of(facts), facts, path, "onnx", 1e-5)
    return path


def identity(path: Path, metadata: dict[str, str], names: tuple[str, str] = ("image", "logits")) -> Path:
    """An ONNX file with one operator that every runtime has."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3, "rows", "columns"]) for name in names]
    graph = helper.make_graph([helper.make_node("Identity", [names[0]], [names[1]])], "graph", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    "shape",
    [(1, 3, 1, 1), (1, 3, 8, 8), (2, 3, 8, 31), (3, 3, 33, 7), (1, 3, 129, 90)],
    ids=lambda shape: "x".join(map(str, shape)),
)
@torch.inference_mode()
def test_equals_the_network_at_any_size(facts: ModelFacts, path: Path, shape: tuple[int, ...]) -> None:
    image = noise(*shape)
    expected, got = network_of(facts)(image), OnnxNetwork(path, threads=1)(image)
    assert got.dtype == torch.float32
    assert got.shape == (shape[0], 1, *shape[2:])
    torch.testing.assert_close(got, expected, rtol=0, atol=1e-5)


def test_takes_what_a_predictor_gives(facts: ModelFacts, path: Path) -> None:
    network = OnnxNetwork(path, threads=1).to(torch.device("cpu")).to(memory_format=torch.channels_last).eval()
    image = noise(2, 3, 24, 17)
    expected = network(image)
    assert torch.equal(network(image.to(memory_format=torch.channels_last)), expected)
    assert torch.equal(network(image.clone().requires_grad_()), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(network(image), expected)


def test_hands_out_the_metadata(facts: ModelFacts, path: Path) -> None:
    network = OnnxNetwork(path, threads=1)
    assert ModelFacts.from_metadata(network.metadata, path) == facts
    assert network.size_multiple == 8


@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (3, 16, 16)])
def test_refuses_other_channels(path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"\(batch, 3, height, width\)"):
        OnnxNetwork(path, threads=1)(noise(*shape))


@pytest.mark.parametrize("keep", [0, 100, 5000, -100])
def test_a_truncated_file(path: Path, tmp_path: Path, keep: int) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"damaged\.onnx is"):
        OnnxNetwork(damaged)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no file"):
        OnnxNetwork(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    "text",
    [None, "", "[]", "{}", '{"size_multiple": 0}', '{"size_multiple": "8"}', '{"size_multiple": 1e9}', "[" * 100_000],
)
def test_a_file_of_another_project(tmp_path: Path, text: str | None) -> None:
    path = identity(tmp_path / "other.onnx", {} if text is None else {"fundus_unet": text})
    with pytest.raises(InputError, match="no network of this project"):
        OnnxNetwork(path)


def test_a_file_with_other_inputs(facts: ModelFacts, tmp_path: Path) -> None:
    OnnxNetwork(identity(tmp_path / "good.onnx", facts.as_metadata()))
    with pytest.raises(InputError, match="no network of this project"):
        OnnxNetwork(identity(tmp_path / "other.onnx", facts.as_metadata(), ("photo", "logits")))


def test_weights_outside_the_file_are_not_read(facts: ModelFacts, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    weight = numpy_helper.from_array(np.ones(1, np.float32), "weight")
    image, logits = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 3, "h", "w"]) for name in ("image", "logits")
    )
    add = helper.make_node("Add", ["image", "weight"], ["logits"])
    model = helper.make_model(helper.make_graph([add], "graph", [image], [logits], [weight]), ir_version=8)
    helper.set_model_props(model, facts.as_metadata())
    onnx.save(model, "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert Path("weights.bin").is_file()
    with pytest.raises(InputError, match=r"model\.onnx is damaged"):
        OnnxNetwork(Path("model.onnx"))


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="there is CUDA here")
def test_cuda_is_not_replaced_silently(path: Path) -> None:
    with pytest.raises(InputError, match="device=cpu"):
        OnnxNetwork(path, device="cuda")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_does_not_start_is_not_replaced_silently(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    with pytest.raises(InputError, match="device=cpu"):
        OnnxNetwork(path, device="cuda")


def test_an_unknown_device(path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'cuda'"):
        OnnxNetwork(path, device="cuda1")


def test_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match=r"fundus-unet\[onnx\]"):
        OnnxNetwork(path)
