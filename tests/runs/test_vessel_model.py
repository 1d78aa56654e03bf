"""`load_model(...).predict(...)`: the maps of `fundus-unet predict`, as arrays."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from data.layouts import draw
from fundus_unet import load_model
from fundus_unet.core.errors import InputError
from running import Scripts, succeeded


@pytest.fixture(scope="module")
def photo(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("photo") / "it's (2).png"
    Image.fromarray(draw(3)[0]).save(path)
    return str(path)


def test_the_maps_are_those_of_the_command(scripts: Scripts, photo: str) -> None:
    succeeded(scripts("predict", f'images="{photo}"', "device=cpu"))
    maps = load_model(device="cpu").predict(photo)
    written = {
        name: np.asarray(Image.open(next((scripts.folder / "predictions" / name).glob("*.png"))))
        for name in ("probability", "mask")
    }
    np.testing.assert_array_equal(np.round(maps.probability * 255).astype(np.uint8), written["probability"])
    np.testing.assert_array_equal(maps.mask, written["mask"] == 255)
    assert maps.probability.dtype == np.float32
    assert maps.field_of_view.dtype == maps.mask.dtype == bool
    assert 0 < maps.field_of_view.mean() < 1
    assert not maps.probability[~maps.field_of_view].any()


def test_pixels_give_what_their_file_gives(photo: str) -> None:
    model, pixels = load_model("vessels", device="cpu"), np.asarray(Image.open(photo))
    from_file = model.predict(photo)
    for same in (pixels, Image.open(photo), pixels.astype(np.uint16) * 257):
        np.testing.assert_array_equal(model.predict(same).probability, from_file.probability)
    grey = pixels[..., 1]
    np.testing.assert_array_equal(model.predict(grey).probability, model.predict(np.dstack([grey] * 3)).probability)


def test_a_run_and_a_file_are_models_too(scripts: Scripts, photo: str) -> None:
    run = scripts.tiny_run()
    succeeded(scripts("export", f"run_dir={run}", "path=one.safetensors"))
    maps = [load_model(model, device="cpu").predict(photo) for model in (run, scripts.folder / "one.safetensors")]
    np.testing.assert_array_equal(maps[0].probability, maps[1].probability)
    np.testing.assert_array_equal(maps[0].mask, maps[1].mask)


def test_masks_by_hysteresis(scripts: Scripts, photo: str) -> None:
    """The run's, its file's and the command's are one, and not those of the threshold."""
    run = scripts.tiny_run()
    kept = json.loads((run / "threshold.json").read_text())
    kept["hysteresis"] = {"low": kept["threshold"] - 0.01, "high": 1.0, "least_length": 0.0}
    (run / "threshold.json").write_text(json.dumps(kept))
    succeeded(scripts("export", f"run_dir={run}", "path=one.safetensors"))
    plain = load_model(run, device="cpu").predict(photo).mask
    for high in (kept["threshold"], 1.0):
        kept["hysteresis"]["high"] = high
        (run / "threshold.json").write_text(json.dumps(kept))
        succeeded(scripts("export", f"run_dir={run}", "path=one.safetensors", "overwrite=true"))
        masks = [
            load_model(model, device="cpu", mask="hysteresis").predict(photo).mask
            for model in (run, scripts.folder / "one.safetensors")
        ]
        np.testing.assert_array_equal(*masks)
        of_command = (
            "predict",
            f"run_dir={run}",
            f'images="{photo}"',
            "mask=hysteresis",
            "outputs=[mask]",
            "device=cpu",
        )
        succeeded(scripts(*of_command, "overwrite=true"))
        written = np.asarray(Image.open(next((scripts.folder / "predictions/mask").glob("*.png"))))
        np.testing.assert_array_equal(masks[0], written == 255)
        assert (masks[0] != plain).any()
    assert not masks[0].any(), "nothing is certain"


def test_the_projects_own_weights_have_a_hysteresis(photo: str) -> None:
    plain, joined = (load_model(device="cpu", mask=mask).predict(photo).mask for mask in ("threshold", "hysteresis"))
    assert 0 < joined.sum() != plain.sum()


def test_a_mask_that_there_is_not() -> None:
    with pytest.raises(InputError, match="did you mean 'hysteresis'"):
        load_model(device="cpu", mask="hysteresys")


def test_the_threshold_can_be_chosen(photo: str) -> None:
    model = load_model(device="cpu")
    own, lower = model.predict(photo), model.predict(photo, threshold=0.1)
    assert 0 < model.threshold < 1
    assert lower.mask.sum() > own.mask.sum()
    with pytest.raises(InputError, match="0 to 1"):
        model.predict(photo, threshold=2)


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((64, 64)), np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64), bool), np.zeros((3, 64, 64), np.uint8)],
    ids=["floats", "rgba", "bool", "channels first"],
)
def test_pixels_that_are_no_image(pixels: np.ndarray) -> None:
    with pytest.raises(InputError, match="these pixels are no image"):
        load_model(device="cpu").predict(pixels)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("vesels", "did you mean 'vessels'"),
        ("gone.safetensors", "there is no file"),
        (".", "run"),
        ("runs/none", "there is no runs/none"),
    ],
)
def test_what_is_no_model(tmp_path, monkeypatch, model: str, words: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words):
        load_model(model)


def test_a_device_of_another_name() -> None:
    with pytest.raises(InputError, match="set device=cuda"):
        load_model(device="gpu")


HEAVY = ("lightning", "torchmetrics", "torchvision", "albumentations", "matplotlib", "tensorboard", "onnxruntime")


@pytest.mark.parametrize("command", ["predict", "export"])
def test_a_network_is_used_without_what_trains_and_draws(scripts: Scripts, photo: str, command: str) -> None:
    """Nor does prediction import torch's compiler or scipy.signal, which take longer than the network."""
    run = scripts.tiny_run()
    given = [f'images="{photo}"', "device=cpu"] if command == "predict" else [f"run_dir={run}"]
    code = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
sys.argv = ["fundus-unet", *{[command, *given]!r}]
from fundus_unet.commands.program import main
main()
slow = {{"torch._dynamo", "scipy.signal", "scipy.stats"}} & sys.modules.keys()
sys.exit(f"imported: {{slow}}" if slow else 0)
"""
    finished = subprocess.run([sys.executable, "-c", code], cwd=scripts.folder, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    made = scripts.folder / "predictions/mask" if command == "predict" else run / "export"
    assert len(list(made.iterdir())) == 1


def test_a_command_whose_packages_are_absent_names_the_extra(scripts: Scripts) -> None:
    code = """
import sys
sys.modules["lightning"] = None
sys.argv = ["fundus-unet", "train"]
from fundus_unet.commands.program import main
main()
"""
    finished = subprocess.run([sys.executable, "-c", code], cwd=scripts.folder, capture_output=True, text=True)
    assert finished.returncode == 2, finished.stderr
    assert "pip install 'fundus-unet[train]'" in finished.stderr
    assert "Traceback" not in finished.stderr
