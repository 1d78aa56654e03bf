"""What a run takes over from the weights that it begins with, and whether its network is theirs."""

import json
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from fundus_unet.core.errors import InputError
from fundus_unet.runs.ancestry import Ancestor, Inherited
from fundus_unet.runs.data_record import of_ancestors
from fundus_unet.runs.learned_images import ancestry, inherited_from, recorded_images
from fundus_unet.runs.model_facts import MOST_IMAGES, ModelFacts
from fundus_unet.runs.model_file import write_model_file
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_name import run_name
from fundus_unet.runs.same_network import check_same_network
from fundus_unet.runs.start_file import START
from fundus_unet.runs.start_weights import located, read_start
from fundus_unet.runs.train import completed
from fundus_unet.runs.trained_model import WEIGHTS_DIR, is_own, load_trained
from running import ROOT, Scripts
from runs.model_cases import facts_with, model_with, network_of

A, B, C, D = (letter * 64 for letter in "abcd")


def ancestor(weights: str, recorded: bool = True) -> Ancestor:
    return Ancestor(weights=weights, data="synthetic", fingerprint="0" * 16, recorded=recorded)


def with_record(run: Path, train: list[str], val: list[str], inherited: Inherited | None = None) -> RunDirectory:
    record: dict[str, Any] = {
        split: {f"{split}{number}": {"image": digest} for number, digest in enumerate(digests)}
        for split, digests in (("train", train), ("val", val))
    }
    if inherited is not None:
        record["inherited"] = inherited.as_record()
    (run / "data.json").write_text(json.dumps(record))
    return RunDirectory(run)


class TestInheritance:
    def test_goes_through_any_number_of_runs(self, scripts: Scripts) -> None:
        run = scripts.tiny_run()
        inherited = Inherited()
        for images in ([A, B], [B, C], [D, A]):
            inherited = inherited_from(with_record(run, images[:1], images[1:], inherited), "0123456789abcdef")
        assert inherited.images == {A, B, C, D}
        assert inherited.only_chosen_by == {C}  # A and B chose one of them, and taught another
        assert [one.weights for one in inherited.ancestors] == ["tiny"] * 3
        assert inherited.ancestors[0].data == "chasedb1"
        run = with_record(run, ["e" * 64], ["f" * 64], inherited).path
        assert recorded_images(run) == {A, B, C, D, "e" * 64, "f" * 64}
        assert ancestry(RunDirectory(run)) == inherited

    def test_of_a_run_without_a_record_says_so(self, scripts: Scripts) -> None:
        run = scripts.tiny_run()
        (run / "data.json").unlink()
        (alone,) = inherited_from(RunDirectory(run), "0" * 16).unrecorded
        assert (alone.weights, alone.data) == ("tiny", "chasedb1")
        config = OmegaConf.load(run / "config.yaml")
        config.start_from = "/runs/before"
        OmegaConf.save(config, run / "config.yaml")
        assert [one.weights for one in inherited_from(RunDirectory(run), "0" * 16).unrecorded] == ["before", "tiny"]

    @pytest.mark.parametrize(
        "damage",
        [
            5,
            {},
            {"images": ["../a"], "only_chosen_by": [], "ancestors": []},
            {"images": [], "only_chosen_by": [], "ancestors": [{"weights": "a\n"}]},
            {"images": [], "only_chosen_by": [], "ancestors": [], "more": 1},
        ],
        ids=str,
    )
    def test_that_is_damaged_is_an_error(self, scripts: Scripts, damage: object) -> None:
        run = with_record(scripts.tiny_run(), [A], [B])
        record = json.loads((run.path / "data.json").read_text())
        (run.path / "data.json").write_text(json.dumps(record | {"inherited": damage}))
        with pytest.raises(InputError, match="not known which images"):
            recorded_images(run.path)
        with pytest.raises(InputError, match="not known which images"):
            read_start(str(run.path))

    def test_of_a_file_is_what_its_facts_say(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.safetensors"

        def inherited(facts: ModelFacts) -> Inherited:
            write_model_file(path, network_of(facts), facts)
            return read_start(str(path)).inherited

        before = [ancestor("first"), ancestor("second", recorded=False)]
        found = inherited(facts_with().learned_from({A, B}, before))
        assert found.images == {A, B}
        assert not found.only_chosen_by
        assert [one.weights for one in found.ancestors] == ["first", "second", "mine.safetensors"]
        assert [one.weights for one in found.unrecorded] == ["second"]
        assert found.ancestors[-1].fingerprint == load_trained(None, str(path)).fingerprint
        found = inherited(facts_with())
        assert [one.weights for one in found.unrecorded] == ["mine.safetensors"]
        many = {f"{number:064x}" for number in range(MOST_IMAGES + 1)}
        found = inherited(facts_with().learned_from(many, before))
        assert not found.images
        assert [one.weights for one in found.unrecorded] == ["first", "second", "mine.safetensors"]

    def test_is_told_of_test_images_and_of_validation_images_that_were_trained_on(self) -> None:
        inherited = Inherited(frozenset({A, B, C}), frozenset({B}), (ancestor("old", recorded=False),))
        record = {"train": {"x": {"image": A}}, "val": {"y": {"image": B}, "z": {"image": C}}}
        record |= {"inherited": inherited.as_record()}
        files = {"a": {"image": A}, "b": {"image": B}, "c": {"image": C}, "d": {"image": D}}
        assert of_ancestors(record, "train", files, own=True) == []
        known, unknown = of_ancestors(record, "val", files, own=True)
        assert known.startswith("2 of 4 images are among those that the weights it began with were trained on")
        assert known.endswith(": a; c")
        assert "descend from old (data=synthetic), of which it is not recorded" in unknown
        (unknown,) = of_ancestors(record, "test", files, own=False)  # the others are told of the run itself
        assert "not recorded" in unknown


class TestSameNetwork:
    def told(self, upsampler: str = "transposed_k4s2p1", *, named: bool = True, **changes: Any) -> str:
        """The error of a network that differs in `changes` from the weights, by dotted key with `__`; empty without."""
        own = model_with("transposed_k4s2p1").copy()
        OmegaConf.set_struct(own, False)
        for key, value in changes.items():
            OmegaConf.update(own, key.replace("__", "."), value)
        theirs = {"upsampler": upsampler} if named else {}
        try:
            check_same_network(plain(model_with(upsampler)), theirs, own, {"upsampler": "transposed_k4s2p1"})
        except InputError as error:
            return str(error)
        return ""

    def test_the_same(self) -> None:
        assert self.told() == self.told(weights="imagenet") == ""

    def test_other_upsamplers_are_named_by_their_options(self) -> None:
        told = self.told("bilinear_conv")
        assert "upsampler: bilinear_conv in the weights, transposed_k4s2p1 in the new run" in told
        assert "give the new run the same network: upsampler=bilinear_conv" in told
        assert "TransposedConvUpsampler in the new run" in self.told("bilinear_conv", named=False)
        told = self.told("transposed_k3s2p1", named=False)
        assert "model.upsampler.kernel_size: 3 in the weights, 4 in the new run" in told
        assert "model.upsampler.kernel_size=3" in told

    def test_other_settings_are_named_with_what_to_type(self) -> None:
        told = self.told(widths=[8, 16], upsampled_width=2.0)
        assert "model.widths: [4,8] in the weights, [8,16] in the new run" in told
        assert "give the new run the same network: model.widths=[4,8] model.upsampled_width=1.0" in told
        assert "model.activation: ReLU in the weights, SiLU" in self.told(activation___target_="torch.nn.SiLU")

    def test_a_setting_that_has_come_since_is_its_default(self) -> None:
        theirs = plain(model_with("transposed_k4s2p1"))
        del theirs["upsampled_width"], theirs["upsampler"]["output_padding"]
        own = model_with("transposed_k4s2p1")
        check_same_network(theirs, {}, own, {})
        del theirs["widths"]
        with pytest.raises(InputError, match="not set in the weights"):
            check_same_network(theirs, {}, own, {})


def test_a_network_fetches_no_other_weights(tmp_path: Path) -> None:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose("train", ["model=resnet_unet", "model.weights=imagenet", "start_from=runs/one"])
    planned = completed(config, tmp_path)
    assert planned.model.weights is None
    assert planned.start_from == str(Path("runs/one").resolve())
    config.start_from = None
    assert completed(config, tmp_path).model.weights == "imagenet"


def test_what_a_killed_command_left_of_a_new_run_is_no_run(tmp_path: Path) -> None:
    for name in ("run.json", "data.json", START):
        (tmp_path / name).touch()
    assert RunDirectory.is_unborn(tmp_path)


def test_a_place_is_the_same_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pretrained").mkdir()
    (tmp_path / "vessels").mkdir()
    for given, expected in {
        "vessels": "vessels",
        "vesels": "vesels",
        "pretrained": f"{tmp_path}/pretrained",
        "runs/one": f"{tmp_path}/runs/one",
        "mine.safetensors": f"{tmp_path}/mine.safetensors",
        f"{tmp_path}/runs/one": f"{tmp_path}/runs/one",
    }.items():
        assert located(given) == located(located(given)) == expected


def test_the_projects_own_weights_say_what_is_recorded_of_them() -> None:
    found = read_start("vessels")
    images = load_trained(None, "vessels").facts.trained_on.images
    assert is_own("vessels")
    assert (WEIGHTS_DIR / "vessels").is_dir()
    assert found.place == found.inherited.ancestors[-1].weights == "vessels"
    assert found.inherited.images == set(images or ())
    assert bool(found.inherited.unrecorded) == (images is None)


def test_a_runs_name_says_what_it_began_with(tmp_path: Path) -> None:
    choices = {"data": "mix", "model": "unet", "upsampler": "bilinear_conv"}
    long = tmp_path / ("a" * 60) / "pretrained"
    assert run_name(choices, [f"start_from={long}"], 0) == "mix_unet_bilinear_conv_from-pretrained_seed0"
