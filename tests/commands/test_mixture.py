"""A run on several sets, each at its own working resolution, from the command line to the scores."""

import csv
import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from data.layouts import write_hrf
from fundus_unet.inference.evaluation import Evaluation
from fundus_unet.runs.run_directory import RunDirectory
from running import ROOT, TINY, Scripts, refused, succeeded

MIX = (
    "data=mix",
    "~data.source.sets.synthetic",
    "data.source.sets.chasedb1.fov_diameter=40",
    "data.source.sets.hrf.fov_diameter=123",
    "data.source.sets.hrf.source.root=elsewhere/HRF",
    "trainer.max_epochs=1",
)
NATIVE = 90  # rows of a generated image, and the diameter of its field is 83


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Rows at working resolution of every image that is scored, by name."""
    found: dict[str, int] = {}
    add = Evaluation.add

    def watched(self, sample, probability):
        found[sample.case.name] = sample.working.image.shape[0]
        add(self, sample, probability)

    monkeypatch.setattr(Evaluation, "add", watched)
    return found


def expect_own_sizes(sizes: dict[str, int], samples: dict[str, int]) -> None:
    by_set = {name: [rows for key, rows in sizes.items() if key.startswith(f"{name}_")] for name in samples}
    assert {name: len(rows) for name, rows in by_set.items()} == samples
    assert len(sizes) == sum(samples.values())
    for name, diameter in (("chasedb1", 40), ("hrf", 123)):
        assert by_set[name] == pytest.approx([NATIVE * diameter / 83] * len(by_set[name]), rel=0.06)


@pytest.mark.slow
def test_a_mixture_is_trained_on_and_scored_set_by_set_at_its_own_size(scripts: Scripts, sizes: dict[str, int]) -> None:
    write_hrf(scripts.folder / "elsewhere" / "HRF")
    run = succeeded(scripts.train(*MIX)).run_directory
    expect_own_sizes(sizes, {"chasedb1": 8, "hrf": 30})
    with (run / "evaluation/test/per_image.csv").open() as file:
        scored = {row["name"] for row in csv.DictReader(file)}
    assert scored == set(sizes)
    assert {"chasedb1_Image_11L", "hrf_06_dr"} <= scored
    assert {path.stem for path in (run / "evaluation/test/figures").iterdir()} == scored

    sizes.clear()
    elsewhere = Scripts(scripts.folder / "elsewhere", scripts.monkeypatch, scripts.capsys)
    succeeded(elsewhere("evaluate", f"run_dir={run}", "split=val"))
    expect_own_sizes(sizes, {"chasedb1": 4, "hrf": 3})

    sizes.clear()
    succeeded(scripts("evaluate", f"run_dir={run}", "data=chasedb1"))
    assert set(sizes.values()) == {NATIVE}  # the run's own, data.scale=1
    assert "Image_11L" in sizes

    sizes.clear()
    for image in (scripts.folder / "elsewhere/HRF/images").iterdir():
        if int(image.name[:2]) > 5:
            image.unlink()
    finished = succeeded(scripts("evaluate", f"run_dir={run}"))
    expect_own_sizes(sizes, {"chasedb1": 8, "hrf": 0})
    assert "left out of test: hrf: HRF: none of the 30 test images" in finished.out
    assert {path.name for path in (run / "evaluation").iterdir()} == {
        "test",
        "val",
        "ChaseDB1_test",
        "test_changed_data",
    }


def test_without_any_test_image_validation_is_scored(scripts: Scripts) -> None:
    write_hrf(scripts.folder / "elsewhere" / "HRF", test=False)
    finished = succeeded(scripts.train(*MIX, "data.source.sets.chasedb1=null"))
    assert "no test image can be scored" in finished.out
    assert "hrf: HRF: none of the 30 test images" in finished.out
    run = finished.run_directory
    assert len(json.loads((run / "evaluation/val/metrics.json").read_text())["images"]) == 3
    refused(scripts("evaluate", f"run_dir={run}"), "hrf: HRF: none of the 30 test images")


@pytest.mark.slow
def test_generated_images_beside_a_set_are_trained_on_and_never_scored(scripts: Scripts, sizes: dict[str, int]) -> None:
    small = ("data.source.sets.synthetic.source.size=96", "data.source.sets.chasedb1.fov_diameter=40")
    settings = (*small, "paths.data_dir=sets", *TINY, "trainer.max_epochs=1", "data_check=off")
    finished = succeeded(scripts("train", "experiment=chasedb1_synthetic", *settings))
    assert "24 images to train on, 4 for validation, 8 for test" in finished.out
    assert {name.partition("_")[0] for name in sizes} == {"chasedb1"}
    learned = json.loads((finished.run_directory / "data.json").read_text())
    assert sum("synthetic_" in name for name in json.dumps(learned).split('"')) == 8


def test_a_run_of_one_set_is_scored_on_a_mixture(scripts: Scripts, sizes: dict[str, int]) -> None:
    run = scripts.tiny_run()
    sizes.clear()
    left_out = ("data.source.sets.synthetic=null", "data.source.sets.hrf=null")
    options = ("paths.data_dir=sets", *left_out, "data.source.sets.chasedb1.fov_diameter=40")
    succeeded(scripts("evaluate", f"run_dir={run}", "data=mix", *options))
    expect_own_sizes(sizes, {"chasedb1": 8, "hrf": 0})
    assert (run / "evaluation/Mixture_test/per_image.csv").is_file()


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("data.source.sets=null", "no data sets"),
        ("data.source.sets.hrf.fov_diameter=-3", "data.source.sets.hrf.fov_diameter cannot be used"),
        ("data.source.sets.hrf.source.split=first20", "HRF has no split 'first20'"),
        ("+data.source.sets.more={source: {}}", "data.source.sets.more is no data set"),
    ],
)
def test_what_cannot_be_mixed_is_told(scripts: Scripts, override: str, expected: str) -> None:
    refused(scripts.train(*MIX[:2], override), expected)


def test_every_root_of_a_kept_configuration_is_absolute_or_an_interpolation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    chosen = {
        "flat": ["data=folder", "data.source.root=photos"],
        "nested": ["data=mix", "data.source.sets.chasedb1.source.root=photos", "data.source.sets.synthetic=null"],
    }
    kept = {}
    for name, overrides in chosen.items():
        with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
            config = compose("train", [*overrides, f"paths.run_dir={tmp_path / name}", "paths.data_dir=sets"])
        config.trainer.precision = "32-true"
        RunDirectory.create(config, {}, [], {})
        kept[name] = OmegaConf.to_container(OmegaConf.load(tmp_path / name / "config.yaml"))
    photos = str(tmp_path / "photos")
    nested = kept["nested"]["data"]["source"]["sets"]
    assert kept["flat"]["data"]["source"]["root"] == photos
    assert nested["chasedb1"]["source"]["root"] == photos
    assert nested["hrf"]["source"]["root"] == "${paths.data_dir}/HRF"
    assert nested["synthetic"] is None
    assert kept["nested"]["paths"]["data_dir"] == str(tmp_path / "sets")
