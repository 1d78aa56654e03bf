"""The encoder is torchvision's, its weights are fetched where the user asks for them and nowhere else."""

import sys
import urllib.error
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from omegaconf import OmegaConf
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.models.resnet_unet import ResNetUNet
from fundus_unet.runs.build import build_network, sketch
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from running import TINY, Scripts

MODEL = {
    "_target_": "fundus_unet.models.resnet_unet.ResNetUNet",
    "encoder": "resnet18",
    "weights": "imagenet",
    "stem_width": 4,
    "upsampler": {
        "_target_": "fundus_unet.upsampling.interpolate_conv.InterpolateConvUpsampler",
        "_partial_": True,
        "mode": "bilinear",
    },
}


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No connection; the empty folder where torchvision keeps weights."""

    def refuse(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "urlopen", refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "hub/checkpoints").mkdir(parents=True)
    return tmp_path / "hub/checkpoints"


def made(**arguments: Any) -> ResNetUNet:
    torch.manual_seed(0)
    return ResNetUNet(InterpolateConvUpsampler, **{"stem_width": 4} | arguments).eval()


@pytest.mark.parametrize("encoder", ["resnet18", "resnet34"])
@torch.no_grad()
def test_the_features_are_those_of_torchvision(encoder: str) -> None:
    network, resnet = made(encoder=encoder), getattr(torchvision.models, encoder)().eval()
    stages = [[resnet.conv1, resnet.bn1, resnet.relu], [resnet.maxpool, resnet.layer1]]
    stages += [[resnet.layer2], [resnet.layer3], [resnet.layer4]]
    weights = dict(zip(network.encoder.state_dict(), resnet.state_dict().values(), strict=False))
    network.encoder.load_state_dict(weights)
    image = torch.randn(1, 3, 64, 96)
    x, got = image, network.encode(image)
    assert got[0].shape == (1, 4, 64, 96)
    for number, stage in enumerate(stages, start=1):
        for layer in stage:
            x = layer(x)
        assert torch.equal(got[number], x)
        assert x.shape[-2:] == (64 >> number, 96 >> number)


def test_imagenet_weights_in_the_folder_are_taken(offline: Path) -> None:
    torch.manual_seed(5)
    state = torchvision.models.resnet18().state_dict()
    torch.save(state, offline / Path(torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url).name)
    new, trained = made(encoder="resnet18"), made(encoder="resnet18", weights="imagenet")
    assert torch.equal(trained.encoder[0][0].weight, state["conv1.weight"])
    assert torch.equal(trained.encoder[4][1].conv2.weight, state["layer4.1.conv2.weight"])
    assert not torch.equal(new.encoder[0][0].weight, state["conv1.weight"])
    others = [name for name in new.state_dict() if not name.startswith("encoder.")]
    assert all(torch.equal(new.state_dict()[name], trained.state_dict()[name]) for name in others)


def test_without_a_connection_it_is_said_what_to_do(offline: Path) -> None:
    with pytest.raises(InputError, match="no route to host") as caught:
        made(encoder="resnet18", weights="imagenet")
    assert "model.weights=null" in str(caught.value)
    assert str(offline) in str(caught.value)
    assert "resnet18-f37072fd.pth" in str(caught.value)


def test_a_run_that_is_opened_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> dict[str, Tensor]:
        raise AssertionError("weights were asked for")

    monkeypatch.setattr(torchvision.models.ResNet18_Weights, "get_state_dict", fail)
    config = OmegaConf.create(MODEL)
    assert sketch(config).head.weight.is_meta
    assert build_network(config, trusted=False).eval()(torch.zeros(1, 3, 5, 5)).shape == (1, 1, 5, 5)
    with pytest.raises(AssertionError, match="asked for"):
        made(encoder="resnet18", weights="imagenet")


def test_a_run_without_an_epoch_does_not_go_on_from_other_weights(offline: Path, scripts: Scripts) -> None:
    state = torchvision.models.resnet18().state_dict()
    torch.save(state, offline / Path(torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url).name)
    tiny = [one for one in TINY if not one.startswith("model.")]
    model = ["model=resnet_unet", "model.encoder=resnet18", "model.weights=imagenet", "trainer.max_epochs=1"]
    places = ["data=chasedb1", "paths.data_dir=sets", "paths.run_dir=runs/run"]
    finished = scripts("train", *tiny, *model, *places)
    assert finished.code == 0, finished.err
    run = scripts.folder / "runs/run"
    (run / "threshold.json").unlink()
    assert scripts("train", f"resume={run}", "paths.data_dir=sets").code == 0
    for checkpoint in (run / "checkpoints").iterdir():
        checkpoint.unlink()
    (run / "threshold.json").unlink()
    refused = scripts("train", f"resume={run}", "paths.data_dir=sets")
    assert refused.code == 2
    assert "no pretrained weights" in refused.err


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": "/etc/passwd"},
        {"weights": "https://example.org/weights.pth"},
        {"encoder": "resnet50"},
        {"stem_width": 10**6},
        {"stem_width": "4"},
        {"progress": True},
    ],
    ids=str,
)
def test_a_stranger_chooses_nothing_else(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(changes))):
        build_network(OmegaConf.create(MODEL | changes), trusted=False)


@pytest.mark.parametrize(
    "arguments", [{"encoder": "resnet50"}, {"weights": "coco"}, {"stem_width": 0}, {"upsampled_width": 0}], ids=str
)
def test_settings_that_cannot_be_used(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"model.{next(iter(arguments))}"):
        made(**arguments)


def test_torchvision_is_imported_by_this_network_alone() -> None:
    import subprocess

    code = "import sys, fundus_unet.models; assert 'torchvision' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
