"""Networks of other packages go through every script, and a run decides by itself to use none of them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from data.layouts import draw, save
from fundus_unet.core.errors import InputError
from fundus_unet.runs.allowed_parts import is_trusted, trusting
from fundus_unet.runs.load import load_network
from fundus_unet.runs.model_file import read_model_file
from fundus_unet.runs.run_directory import RunDirectory
from running import Finished, Scripts

TOY, SMP = "toynetworks.ToyUNet", "segmentation_models_pytorch.Unet"
ARGUMENTS = {TOY: ["+model.channels=6"], SMP: ["+model.encoder_name=resnet18", "+model.encoder_weights=null"]}
USES = {
    "resume": ("train", "resume={run}", "paths.data_dir=sets"),
    "evaluate": ("evaluate", "run_dir={run}", "split=val"),
    "predict": ("predict", "run_dir={run}", "images=large.png", "precision=32-true"),
    "export": ("export", "run_dir={run}"),
}


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
    sys.modules.pop("toynetworks", None)


@pytest.fixture(scope="module")
def kept_by_target(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {target: tmp_path_factory.mktemp("kept") / "runs" for target in ARGUMENTS}


@pytest.fixture(params=list(ARGUMENTS))
def target(request: pytest.FixtureRequest) -> str:
    if request.param == SMP:
        pytest.importorskip("segmentation_models_pytorch")
    return request.param


@pytest.fixture
def run(scripts: Scripts, target: str, kept_by_target: dict[str, Path]) -> Path:
    """A finished run of the network, in `runs/run`."""
    photo, *_ = draw(0, (480, 640))
    save(scripts.folder / "large.png", photo)
    scripts.make_once(kept_by_target[target], lambda: trained(scripts, target))
    return scripts.folder / "runs/run"


def trained(scripts: Scripts, target: str) -> Finished:
    tiny = ["data=chasedb1", "paths.data_dir=sets", "data.scale=1", "data.fov_diameter=null", "data.patch_size=48"]
    tiny += ["data.batch_size=2", "data.steps_per_epoch=8", "data.workers=0", "trainer=cpu", "trainer.max_epochs=2"]
    tiny += ["trainer.precision=32-true", "callbacks.progress=null", "paths.run_dir=runs/run"]
    return succeeded(scripts("train", "model=external", f"model._target_={target}", *ARGUMENTS[target], *tiny))


def succeeded(finished: Finished) -> Finished:
    assert finished.code == 0, finished.out + finished.err
    return finished


def use(scripts: Scripts, run: Path, name: str, *more: str) -> Finished:
    script, *overrides = USES[name]
    if name == "resume":
        (run / "threshold.json").unlink()
    return scripts(script, *(one.format(run=run) for one in overrides), *more)


def change(run: Path, **settings: Any) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["model"] |= settings
    (run / "config.yaml").write_text(yaml.safe_dump(config))


def network_of(run: Path) -> None:
    opened = RunDirectory(run)
    load_network(opened.config.model, opened.checkpoint("best"))


def probabilities(folder: Path) -> np.ndarray:
    with Image.open(folder / "probability/large.png") as image:
        return np.asarray(image) / 255


class TestOneThatIsTrusted:
    def test_trains_with_its_own_arguments_alone(self, scripts: Scripts, run: Path, target: str) -> None:
        opened = yaml.safe_load((run / "config.yaml").read_text())
        arguments = dict(one.removeprefix("+model.").split("=") for one in ARGUMENTS[target])
        assert opened["model"].keys() == {"_target_", *arguments}
        assert "trust" not in opened
        assert len(list((run / "evaluation/test/figures").iterdir())) == 8

    @pytest.mark.parametrize("name", USES)
    def test_is_used(self, scripts: Scripts, run: Path, target: str, name: str) -> None:
        before = (run / "threshold.json").read_text()
        succeeded(use(scripts, run, name, f"trust={target}"))
        assert (run / "threshold.json").read_text() == before

    def test_is_predicted_in_tiles(self, scripts: Scripts, run: Path, target: str) -> None:
        for name, more in (("whole", ["tile=null"]), ("tiled", ["tile=416"]), ("d4", ["tile=416", "tta=d4"])):
            predicted = use(scripts, run, "predict", f"trust={target}", "scale=native", f"out_dir={name}", *more)
            succeeded(predicted)
        whole, tiled, d4 = (probabilities(scripts.folder / name) for name in ("whole", "tiled", "d4"))
        assert tiled.shape == (480, 640)
        assert tiled.std() > 0
        assert np.abs(tiled - whole).mean() < 0.01
        assert np.abs(d4 - whole).mean() > 0

    @pytest.mark.parametrize("form", ["safetensors", "onnx", "torch_export"])
    def test_is_exported(self, scripts: Scripts, run: Path, target: str, form: str) -> None:
        succeeded(use(scripts, run, "export", f"trust={target}", f"format={form}"))
        path = next((run / "export").iterdir())
        if form == "torch_export":
            assert torch.export.load(path).module()(torch.zeros(1, 3, 64, 96)).shape == (1, 1, 64, 96)
            return
        from_file = ["images=large.png", "out_dir=from_file", "precision=32-true", f"weights={path}"]
        if form == "onnx":  # an ONNX file is no code
            succeeded(scripts("predict", *from_file, "runtime=onnx"))
        else:
            assert f"trust={target}" in scripts("predict", *from_file).err
            succeeded(scripts("predict", *from_file, f"trust={target}"))
        succeeded(use(scripts, run, "predict", f"trust={target}", "out_dir=from_run"))
        got, expected = (probabilities(scripts.folder / name) for name in ("from_file", "from_run"))
        np.testing.assert_allclose(got, expected, atol=1.5 / 255)


@pytest.mark.parametrize("target", [TOY], indirect=True)
class TestARunDecidesNothing:
    @pytest.mark.parametrize("name", USES)
    @pytest.mark.parametrize("named", [[], ["trust=toynetworks"], ["trust=[toynetworks.Other,torch.nn.Conv2d]"]])
    def test_code_that_is_not_named_is_not_even_imported(
        self, scripts: Scripts, run: Path, name: str, named: list[str]
    ) -> None:
        (scripts.folder / "trap.py").write_text("open('sprung', 'w').close()\nclass Trap: pass\n")
        sys.path.insert(0, str(scripts.folder))
        change(run, _target_="trap.Trap")
        finished = use(scripts, run, name, *named)
        sys.path.remove(str(scripts.folder))
        assert finished.code == 2
        assert "trust=trap.Trap" in finished.err
        assert not (scripts.folder / "sprung").exists()
        assert "trap" not in sys.modules

    @pytest.mark.parametrize(
        "settings",
        [
            {"options": {"_target_": "os.system", "command": "x"}},
            {"options": [{"_target_": "os.system"}]},
            {"_args_": [1]},
            {"_recursive_": False},
            {"upsampler": {"_target_": "os.system", "_partial_": True}},
            {"channels": "${oc.env:HOME}"},
            {"no_such_argument": 1},
            {"channels": list(range(1000))},
        ],
        ids=lambda settings: f"{settings!s:.40}",
    )
    def test_it_is_given_plain_values_alone(self, run: Path, settings: dict[str, Any]) -> None:
        change(run, **settings)
        with trusting([TOY]), pytest.raises(InputError, match="model"):
            network_of(run)

    def test_it_does_not_trust_by_itself(self, scripts: Scripts, run: Path) -> None:
        path = run / "config.yaml"
        path.write_text(f"{path.read_text()}\ntrust: [{TOY}]\n")
        assert f"trust={TOY}" in use(scripts, run, "evaluate").err

    def test_trust_ends_with_its_block_and_leaves_the_projects_classes(self, run: Path, tmp_path: Path) -> None:
        with trusting([TOY, "fundus_unet.models.unet.UNet", ""]):
            assert is_trusted(TOY)
            assert not is_trusted("fundus_unet.models.unet.UNet")
            assert not is_trusted("")
            assert RunDirectory(run).config.model._target_ == TOY
        assert not is_trusted(TOY)
        with pytest.raises(InputError, match=f"trust={TOY}"):
            RunDirectory(run)

    def test_a_model_file_of_another_class_is_refused(self, scripts: Scripts, run: Path) -> None:
        succeeded(use(scripts, run, "export", f"trust={TOY}"))
        with trusting(["toynetworks.Other"]), pytest.raises(InputError, match=f"trust={TOY}"):
            read_model_file(run / "export/model.safetensors")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model=external"], ["model._target_"]),
        (["model=external", "model._target_=toynetworks.Toy"], ["model._target_=toynetworks.Toy"]),
        (["model=external", f"model._target_={TOY}", "+model.chanels=3"], ["chanels", "did you mean 'channels'"]),
        ([f"model._target_={TOY}"], ["takes no upsampler", "model=external"]),
        (["model=external", "model._target_=torch.nn.Identity"], ["Identity", "logit per pixel"]),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_is_written(
    scripts: Scripts, overrides: list[str], words: list[str]
) -> None:
    places = ["data=chasedb1", "paths.data_dir=sets", "paths.run_dir=runs/run"]
    finished = scripts("train", *places, "trainer=cpu", *overrides)
    assert finished.code == 2, finished.err
    for word in words:
        assert word in finished.err
    assert not (scripts.folder / "runs").exists()
