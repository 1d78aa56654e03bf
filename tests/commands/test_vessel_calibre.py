"""The working resolution by the calibre of vessels, from training's setting to predict and the comparison of sets."""

import csv
import json
from pathlib import Path

import pytest

from fundus_unet import load_model
from fundus_unet.comparison.datasets import cells
from fundus_unet.inference import vessel_scale
from running import Scripts, refused, succeeded

LOOK, CALIBRE = 40, 6
SETTINGS = ("data.scale=null", f"data.fov_diameter={LOOK}", f"data.vessel_calibre={CALIBRE}")
OUT = Path("runs/across_sets")


@pytest.fixture
def run(scripts: Scripts) -> Path:
    return scripts.tiny_run(*SETTINGS)


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """At the first look, on a grid twice as fine, vessels are half as wide as they shall be; its diameters."""
    seen: list[float] = []

    def widest(mask, diameter: float) -> float:
        seen.append(diameter)
        return float(CALIBRE)

    monkeypatch.setattr(vessel_scale, "widest_calibre", widest)
    return seen


def scales(scripts: Scripts, *overrides: str) -> dict[str, float]:
    images = f"images='{scripts.folder}/sets/CHASE_DB1/Image_1[1-4]?.jpg'"
    succeeded(scripts("predict", images, "outputs=[mask]", "device=cpu", *overrides))
    with (scripts.folder / "predictions/predictions.csv").open() as file:
        return {row["image"]: float(row["scale"]) for row in csv.DictReader(file)}


def test_predict_goes_by_it_and_without_it_where_it_is_told(scripts: Scripts, run: Path, thin: list[float]) -> None:
    narrow = scales(scripts, f"run_dir={run}")
    assert thin == [2 * LOOK] * len(narrow) == [80] * 8
    plain = scales(scripts, f"run_dir={run}", "scale=field_of_view", "overwrite=true")
    assert len(thin) == 8
    for name, scale in plain.items():
        assert narrow[name] == pytest.approx(2 * scale, rel=0.03)


def test_an_image_whose_first_look_fails_is_told_and_the_others_go_on(
    scripts: Scripts, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(100))

    def fails_once(mask, diameter: float) -> float | None:
        if next(calls) == 0:
            raise MemoryError("no room")
        return None

    monkeypatch.setattr(vessel_scale, "widest_calibre", fails_once)
    images = f"images='{scripts.folder}/sets/CHASE_DB1/Image_1[1-4]?.jpg'"
    finished = scripts("predict", images, f"run_dir={run}", "outputs=[mask]", "device=cpu")
    assert finished.code == 1
    with (scripts.folder / "predictions/predictions.csv").open() as file:
        states = [row["status"] for row in csv.DictReader(file)]
    assert states.count("error") == 1
    assert len(list((scripts.folder / "predictions/mask").iterdir())) == 7


def test_python_and_an_exported_file_know_it_too(scripts: Scripts, run: Path, thin: list[float]) -> None:
    succeeded(scripts("export", f"run_dir={run}"))
    image = scripts.folder / "sets/CHASE_DB1/Image_11L.jpg"
    for model in (run, run / "export/model.safetensors"):
        thin.clear()
        load_model(model, device="cpu").predict(image)
        load_model(model, device="cpu", scale="field_of_view").predict(image)
        assert thin == [2 * LOOK]


def test_the_comparison_of_sets_sees_images_as_predict_does(
    scripts: Scripts, run: Path, thin: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    counts_of = cells.counts_of

    def watched(sample, probability, masks):
        rows.append(sample.working.image.shape[0])
        return counts_of(sample, probability, masks)

    monkeypatch.setattr(cells, "counts_of", watched)

    def cross(match: str) -> list[int]:
        rows.clear()
        options = (f"run_dirs=[{run}]", "sets=[chasedb1]", "paths.data_dir=sets", f"match={match}", "device=cpu")
        succeeded(scripts("cross_dataset", *options))
        return list(rows)

    fitted, plain = cross("auto"), cross("diameter")
    assert len(fitted) == len(plain) == 8
    for narrow, wide in zip(fitted, plain, strict=True):
        assert narrow == pytest.approx(2 * wide, rel=0.05)
    assert "vessels" not in (scripts.folder / OUT / "datasets.md").read_text().split("Field of view that")[0][-200:]
    succeeded(scripts("cross_dataset", f"run_dirs=[{run}]", "sets=[chasedb1]", "paths.data_dir=sets", "device=cpu"))
    text = (scripts.folder / OUT / "datasets.md").read_text()
    assert f"so many pixels wide: tiny {CALIBRE}" in text
    assert json.loads((scripts.folder / OUT / "datasets.json").read_text())["networks"]["tiny"]["vessel_calibre"] == 6


def test_test_time_augmentation_looks_once(scripts: Scripts, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    diameter = vessel_scale.VesselScale.diameter

    def watched(self, working) -> float:
        looks.append(self.predictor.maps_per_image)
        return diameter(self, working)

    monkeypatch.setattr(vessel_scale.VesselScale, "diameter", watched)
    scales(scripts, f"run_dir={run}", "tta=flips")
    assert looks == [1] * 8


def test_bad_values_are_told(scripts: Scripts) -> None:
    refused(scripts.train("data.vessel_calibre=8"), "data.vessel_calibre=8", "data.fov_diameter")
    refused(scripts.train("data.scale=null", "data.fov_diameter=40", "data.vessel_calibre=0"), "data.vessel_calibre")
    refused(scripts.train("data.vessel_caliber=8"), "vessel_calibre")


def test_a_file_that_has_it_without_a_first_look_is_damaged(scripts: Scripts, run: Path) -> None:
    config = (run / "config.yaml").read_text()
    changed = config.replace("scale: null", "scale: 0.5", 1).replace(f"fov_diameter: {LOOK}", "fov_diameter: null", 1)
    assert changed != config
    (run / "config.yaml").write_text(changed)
    image = f"images={scripts.folder}/sets/CHASE_DB1/Image_11L.jpg"
    refused(scripts("predict", image, f"run_dir={run}", "device=cpu"), "vessel_calibre")
