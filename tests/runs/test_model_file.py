"""The model file keeps every weight and fact, and nothing in a file that came from elsewhere is executed."""

import json
import os
import pickle
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from faults.attempt import limited
from fundus_unet.core.errors import InputError
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.metrics.masks import Hysteresis
from fundus_unet.runs.model_facts import MOST_IMAGES, ModelFacts
from fundus_unet.runs.model_file import read_model_file, write_model_file
from running import Exploit
from runs.model_cases import facts_with, network_of
from tensors import noise

PATH = Path("somewhere/model.safetensors")
HYSTERESIS = {"low": 0.35, "high": 0.8, "least_length": 0.02}
TRAINED_ON = {"data": "hrf", "seed": 0, "commit": None, "created": None}


@contextmanager
def little_memory() -> Iterator[None]:
    """This process cannot have a gigabyte more than it has; without Linux's /proc, nothing is limited."""
    sizes = Path("/proc/self/statm")
    before = resource.getrlimit(resource.RLIMIT_AS)
    if sizes.exists():
        limit = int(sizes.read_text().split()[0]) * resource.getpagesize() + 10**9
        resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_model_file(path, network_of(facts_with()), facts_with())
    return path


def metadata_with(**changes: object) -> dict[str, str]:
    facts = json.loads(facts_with().as_metadata()["fundus_unet"]) | changes
    return {"fundus_unet": json.dumps({name: value for name, value in facts.items() if value is not Ellipsis})}


class TestFacts:
    @pytest.mark.parametrize(
        "changes",
        [{}, {"scale": 0.5, "fov_diameter": None}, {"threshold": 1.0}, {"context": None}, {"hysteresis": HYSTERESIS}],
    )
    def test_round_trip(self, changes: dict[str, object]) -> None:
        facts = facts_with("bilinear_conv", **changes)
        assert ModelFacts.from_metadata(facts.as_metadata(), PATH) == facts

    def test_name_the_images_that_were_learned_from(self) -> None:
        digests = {f"{number:064x}" for number in range(MOST_IMAGES)}
        facts = facts_with().learned_from(digests)
        found = ModelFacts.from_metadata(facts.as_metadata(), PATH)
        assert found == facts
        assert found.trained_on.images == sorted(digests)
        assert "images" not in metadata_with()["fundus_unet"]  # as files of before, which stay readable
        assert facts_with().learned_from(digests | {"f" * 64}) == facts_with().learned_from(()) == facts_with()

    def test_name_the_hysteresis_where_there_is_one(self) -> None:
        facts = facts_with(hysteresis=HYSTERESIS)
        assert facts.masks == ChosenMasks(0.43, Hysteresis(**HYSTERESIS))
        told = json.loads(facts.as_metadata()["preprocessing"])["hysteresis"]
        assert HYSTERESIS.items() <= told.items()
        assert "field-of-view diameters" in told["mask"]
        assert all("hysteresis" not in text for text in metadata_with().values())  # files of before stay readable
        assert ModelFacts.from_metadata(metadata_with(), PATH).masks == ChosenMasks(0.43)

    def test_name_the_masks_that_export_was_given(self) -> None:
        facts = facts_with(hysteresis=HYSTERESIS).with_masks("hysteresis", {"threshold": 0.5, "low": 0.2})
        assert ModelFacts.from_metadata(facts.as_metadata(), PATH) == facts
        assert (facts.mask, facts.masks_set) == ("hysteresis", True)
        assert facts.masks == ChosenMasks(0.5, Hysteresis(**HYSTERESIS | {"low": 0.2}))
        assert json.loads(facts.as_metadata()["preprocessing"])["better_mask"] == "hysteresis"
        assert facts_with().with_masks("threshold", {}) == facts_with()
        assert facts_with().with_masks("threshold", HYSTERESIS).masks.hysteresis == Hysteresis(**HYSTERESIS)

    @pytest.mark.parametrize(
        ("kind", "values", "told"),
        [
            ("hysteresis", {}, "no hysteresis.high, hysteresis.least_length, hysteresis.low"),
            ("threshold", {"low": 0.3}, "no hysteresis.high, hysteresis.least_length"),
            ("hysteresis", HYSTERESIS | {"low": 0.99}, "make no hysteresis"),
        ],
    )
    def test_refuse_masks_that_cannot_be_made(self, kind: str, values: dict[str, float], told: str) -> None:
        with pytest.raises(InputError, match=told):
            facts_with().with_masks(kind, values)

    def test_are_strings_that_need_no_project_to_be_read(self) -> None:
        metadata = facts_with(size_multiple=8).as_metadata()
        assert json.loads(metadata["fundus_unet"])["format"] == 2
        preprocessing = json.loads(metadata["preprocessing"])
        assert preprocessing["working_field_of_view_diameter_in_pixels"] == 512
        assert (preprocessing["size_multiple"], preprocessing["smallest_side"]) == (8, 16)
        assert (preprocessing["smallest_std"], preprocessing["threshold"]) == (1, 0.43)
        for name, words in (("colours", "RGB"), ("normalization", "zero outside"), ("output", "sigmoid")):
            assert words in preprocessing[name]

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"format": 1}, "another version"),
            ({"format": ...}, "another version"),
            ({"threshold": ...}, "threshold"),
            ({"colour": "red"}, "colour"),
            ({"model": {}}, "model"),
            ({"model": "fundus_unet.models.unet.UNet"}, "model"),
            ({"scale": 0.5}, "exactly one"),
            ({"fov_diameter": None}, "exactly one"),
            ({"fov_diameter": "512"}, "fov_diameter"),
            ({"fov_diameter": -1}, "fov_diameter"),
            ({"fov_diameter": float("nan")}, "fov_diameter"),
            ({"fov_diameter": float("inf")}, "fov_diameter"),
            ({"threshold": 1.01}, "threshold"),
            ({"threshold": True}, "threshold"),
            ({"hysteresis": 0.5}, "hysteresis"),
            ({"hysteresis": {"low": 0.4, "high": 0.7}}, "hysteresis.least_length"),
            ({"hysteresis": HYSTERESIS | {"low": 0.9}}, "hysteresis.low of at most"),
            ({"hysteresis": HYSTERESIS | {"high": 1.5}}, "hysteresis.high"),
            ({"hysteresis": HYSTERESIS | {"low": float("nan")}}, "hysteresis.low"),
            ({"hysteresis": HYSTERESIS | {"colour": 1}}, "hysteresis.colour"),
            ({"mask": "hysteresys"}, "mask"),
            ({"mask": "hysteresis"}, "values of hysteresis"),
            ({"masks_set": "yes"}, "masks_set"),
            ({"vessel_from": 1.5}, "vessel_from"),
            ({"precision": "bf17"}, "precision"),
            ({"precision": ["bf16-mixed"]}, "precision"),
            ({"upsampler": ""}, "upsampler"),
            ({"trained_on": {"data": "hrf"}}, "trained_on"),
            ({"trained_on": TRAINED_ON | {"images": []}}, "trained_on.images"),
            ({"trained_on": TRAINED_ON | {"images": ["eye.jpg"]}}, "trained_on.images"),
            ({"size_multiple": 0}, "size_multiple"),
            ({"context": -1}, "context"),
            ({"context": "far"}, "context"),
            ({"upsampler": 5}, "upsampler"),
            ({"size_multiple": 1 << 40}, "size_multiple"),
            ({"size_multiple": 2.0}, "size_multiple"),
        ],
        ids=lambda value: str(value) if isinstance(value, dict) else "",
    )
    def test_damaged_ones_are_refused(self, changes: dict[str, object], expected: str) -> None:
        with pytest.raises(InputError, match=expected) as caught:
            ModelFacts.from_metadata(metadata_with(**changes), PATH)
        assert str(PATH) in str(caught.value)

    @pytest.mark.parametrize(
        "metadata", [None, {}, {"format": "pt"}, *({"fundus_unet": text} for text in ("", "{", "[]", "[" * 100_000))]
    )
    def test_foreign_ones_are_refused(self, metadata: dict[str, str] | None) -> None:
        with pytest.raises(InputError) as caught:
            ModelFacts.from_metadata(metadata, PATH)
        assert str(PATH) in str(caught.value)


class TestFile:
    def test_keeps_weights_facts_and_logits_bit_for_bit(self, path: Path) -> None:
        network, (read, facts) = network_of(facts_with()), read_model_file(path)
        expected, got = network.state_dict(), read.state_dict()
        assert expected.keys() == got.keys()
        assert all(torch.equal(expected[key], got[key]) for key in expected)
        assert facts == facts_with()
        with torch.inference_mode():
            assert torch.equal(read(noise(2, 3, 33, 47)), network(noise(2, 3, 33, 47)))

    def test_holds_float32_in_plain_layout(self, tmp_path: Path) -> None:
        network = network_of(facts_with()).double().to(memory_format=torch.channels_last)
        write_model_file(tmp_path / "model.safetensors", network, facts_with())
        with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
            kinds = {file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118, no dict
        assert kinds == {torch.float32, torch.int64}
        assert read_model_file(tmp_path / "model.safetensors")[1] == facts_with()

    def test_leaves_nothing_beside_it(self, path: Path) -> None:
        assert [one.name for one in path.parent.iterdir()] == [path.name]

    @pytest.mark.parametrize("keep", [0, 7, 500, -1])
    def test_truncated(self, path: Path, keep: int) -> None:
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(InputError, match="damaged") as caught:
            read_model_file(path)
        assert str(path) in str(caught.value)

    def test_missing(self, tmp_path: Path) -> None:
        for path in (tmp_path / "none.safetensors", tmp_path):
            with pytest.raises(InputError, match="there is no file"):
                read_model_file(path)

    @pytest.mark.parametrize("torch_format", [True, False])
    def test_a_renamed_pickle_is_not_executed(self, tmp_path: Path, torch_format: bool) -> None:
        path, target = tmp_path / "model.safetensors", tmp_path / "owned"
        if torch_format:
            torch.save({"state_dict": Exploit(str(target))}, path, pickle_module=pickle)
        else:
            path.write_bytes(pickle.dumps(Exploit(str(target))))
        with pytest.raises(InputError, match="no safetensors file"):
            read_model_file(path)
        assert not target.exists()

    def test_of_another_project(self, tmp_path: Path) -> None:
        path = tmp_path / "model.safetensors"
        for metadata in (None, {"format": "pt"}):
            save_file({"weight": torch.zeros(3)}, path, metadata)
            with pytest.raises(InputError, match="no model file of this project"):
                read_model_file(path)

    @pytest.mark.parametrize("target", ["os.system", "fundus_unet.commands.entry.os.system", "torch.hub.load"])
    @pytest.mark.parametrize("where", ["model", "normalization"])
    def test_the_configuration_chooses_no_code(self, path: Path, target: str, where: str) -> None:
        model = facts_with().model
        (model if where == "model" else model[where])["_target_"] = target
        write_model_file(path, network_of(facts_with()), facts_with(model=model))
        with pytest.raises(InputError, match=target) as caught:
            read_model_file(path)
        assert str(path) in str(caught.value)

    @pytest.mark.parametrize(
        ("model", "expected"),
        [
            ({"widths": [4]}, "does not make a U-Net"),
            ({"depth": 3}, "depth"),
            ({"widths": "${nowhere}"}, "nowhere"),
            ({"widths": [4, 8, 16]}, "does not describe the network"),
            ({"widths": [4, 16]}, "another architecture"),
            ({"_target_": "torch.nn.ReLU"}, "cannot be built"),
        ],
    )
    def test_the_configuration_and_the_weights_must_fit(
        self, path: Path, model: dict[str, object], expected: str
    ) -> None:
        facts = facts_with()
        write_model_file(path, network_of(facts), facts.model_copy(update={"model": facts.model | model}))
        with pytest.raises(InputError, match=expected) as caught:
            read_model_file(path)
        assert str(path) in str(caught.value)

    def test_missing_and_additional_weights_are_named(self, path: Path) -> None:
        network = network_of(facts_with())
        network.additional = torch.nn.Linear(1, 1, bias=False)
        del network.head
        write_model_file(path, network, facts_with())
        with pytest.raises(InputError, match=r"additional.weight is not in the network; head.bias is missing"):
            read_model_file(path)

    @pytest.mark.parametrize("value", [float("nan"), float("-inf")])
    def test_weights_that_are_not_finite(self, path: Path, value: float) -> None:
        network = network_of(facts_with())
        torch.nn.init.constant_(network.head.weight, value)
        write_model_file(path, network, facts_with())
        with pytest.raises(InputError, match=r"(?s)damaged.*NaN or infinity in head\.weight"):
            read_model_file(path)

    @pytest.mark.parametrize(
        ("model", "expected"),
        [
            ({"widths": [4] * 2000}, "model.widths"),
            ({"widths": [4] * 13}, "widths"),
            ({"widths": [4096] * 12}, "too large"),
            ({"widths": [4, 4096]}, "another architecture"),
            ({"upsampled_width": float("1e300")}, "upsampled_width"),
            ({"in_channels": 1}, "another task"),
            ({"activation": {"_target_": "os.system", "_partial_": True}}, "os.system"),
            ({"widths": "${oc.env:HOME}"}, "asks for more"),
        ],
        ids=lambda value: f"{value!r:.40}",
    )
    def test_a_network_that_no_one_has_is_refused_without_memory_for_it(
        self, path: Path, model: dict[str, object], expected: str
    ) -> None:
        facts = facts_with()
        odd = facts.model_copy(update={"model": facts.model | model})
        write_model_file(path, network_of(facts), odd)
        with limited(60), little_memory(), pytest.raises(InputError, match=expected):
            read_model_file(path)

    def test_what_is_no_file_is_not_read(self, tmp_path: Path) -> None:
        pipe, device = tmp_path / "pipe.safetensors", tmp_path / "device.safetensors"
        os.mkfifo(pipe)
        device.symlink_to("/dev/zero")
        for path in (pipe, device):
            with pytest.raises(InputError, match="there is no file"):
                read_model_file(path)
        header = tmp_path / "header.safetensors"
        header.write_bytes((2**40).to_bytes(8, "little") + b"{}")
        with pytest.raises(InputError, match="damaged"):
            read_model_file(header)
