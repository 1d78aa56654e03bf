"""A benchmark of training from the command line: trained, continued, told of finished runs, refused."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.training.segmenter import VesselSegmenter
from running import TINY, Finished, Scripts, refused, succeeded

VARIANTS = "upsamplers=[transposed_k4s2p1,bilinear_conv]"
GOALS = ("targets=[0.001,0.999]", "minutes=[0.0000001,100]")
OUT = Path("runs/benchmark")


def benchmark(scripts: Scripts, *overrides: str) -> Finished:
    return scripts("benchmark_training", "data=chasedb1", "paths.data_dir=sets", *TINY, *overrides)


def result(scripts: Scripts, out: Path = OUT, kind: str = "time_to_quality") -> dict:
    return json.loads((scripts.folder / out / f"{kind}.json").read_text())


@pytest.fixture
def measured(scripts: Scripts, kept: Path) -> Scripts:
    """A finished benchmark."""
    scripts.make_once(kept, lambda: print(succeeded(benchmark(scripts, VARIANTS, *GOALS)).out))
    return scripts


def test_what_the_trained_runs_kept_is_told(measured: Scripts) -> None:
    found = result(measured)
    assert [(run["variant"], run["seed"]) for run in found["runs"]] == [("transposed_k4s2p1", 0), ("bilinear_conv", 0)]
    run = found["runs"][1]
    directory = RunDirectory(measured.folder / OUT / run["run"])
    first, last = directory.validations
    assert run["minutes_to"] == [
        {"target": 0.001, "minutes": pytest.approx(first.seconds / 60)},
        {"target": 0.999, "minutes": None},
    ]
    assert [one["dice"] for one in run["dice_after"]] == [None, last.scores["dice"]]
    assert run["training_minutes"] == pytest.approx(last.seconds / 60)
    assert run["final_dice"] == last.scores["dice"]
    assert run["preparation_seconds"] == directory.sessions[0]["preparation_seconds"]
    assert run["steps"] == last.step == 16
    assert run["test_dice"] is None
    assert not (directory.path / "evaluation/test").exists()
    assert found["start_seconds"] >= 0
    with (measured.folder / OUT / "time_to_quality.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], row["step"]) for row in rows] == [
        (name, step) for name in ("transposed_k4s2p1", "bilinear_conv") for step in ("8", "16")
    ]
    text = (measured.folder / OUT / "time_to_quality.md").read_text()
    assert "not reached" in text
    assert str(measured.folder) not in json.dumps(found)


def test_the_same_command_keeps_finished_runs_and_resumes_an_interrupted_one(
    measured: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(measured.folder / OUT / "runs/bilinear_conv_seed0")
    original = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 12:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(VesselSegmenter, "training_step", interrupted)
        stopped = benchmark(measured, VARIANTS, *GOALS)
    assert stopped.code == 130
    assert "give the same benchmark again" in stopped.out
    finished = succeeded(benchmark(measured, VARIANTS, *GOALS))
    assert finished.out.count("run directory ") == 1
    assert "resumed after an interruption: bilinear_conv" in finished.out
    run = result(measured)["runs"][1]
    validations = RunDirectory(measured.folder / OUT / run["run"]).validations
    assert [one.step for one in validations] == [8, 16]
    assert (run["sessions"], run["steps"]) == (2, 16)


def test_finished_runs_are_told_of_without_training(measured: Scripts) -> None:
    trained = [measured.folder / OUT / "runs" / f"{name}_seed0" for name in ("bilinear_conv", "transposed_k4s2p1")]
    shorter = measured.train("trainer.max_epochs=1", "upsampler=bilinear_conv", "paths.run_dir=shorter").run_directory
    older = Path(shutil.copytree(shorter, measured.folder / "older"))
    (older / "validation.csv").unlink()
    directories = ",".join(map(str, [*trained, shorter, older, measured.folder]))
    finished = benchmark(measured, f"run_dirs=[{directories}]", "out_dir=other", "final_split=test", *GOALS)
    assert finished.code == 1, finished.err
    found = result(measured, Path("other"))
    assert [run["name"] for run in found["runs"]] == ["bilinear_conv_seed0", "transposed_k4s2p1_seed0", "shorter"]
    assert set(found["differing_settings"]) == {"trainer.max_epochs"}
    evaluated = json.loads((trained[0] / "evaluation/test/metrics.json").read_text())
    pooled = evaluated["field_of_view"]["network at 0.5"]["pooled"]
    assert found["runs"][0]["test_dice"] == pooled["dice"]
    assert {Path(one["run"]).name: one["reason"].split(":")[0][-40:] for one in found["failures"]}.keys() == {
        "older",
        measured.folder.name,
    }
    assert "keeps no times" in finished.out
    refused(benchmark(measured, f"run_dirs=[{older}]", "out_dir=other"), "there is no finished run to tell times of")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("upsamplers=[bilinear_con]", "did you mean 'bilinear_conv'"),
        ("upsamplers=[]", "upsamplers cannot be used"),
        ("targets=[1.5]", "targets"),
        ("targets=[0]", "targets"),
        ("targets=[0.8,0.8]", "name 0.8 only once"),
        ("minutes=[0]", "minutes"),
        ("minutes=[-2]", "minutes"),
        ("measure=speed", "quality or overhead"),
        ("overhead.steps=2", "overhead.steps"),
        ("overhead.rounds=1", "overhead.rounds"),
        ("seeds=[0,0]", "seeds"),
        ("upsampler=bilinear_conv", "upsamplers=[...] and seeds=[...]"),
        ("run_dirs=[nowhere]", "there is no directory"),
        ("final_split=tst", "test"),
    ],
)
def test_bad_settings(scripts: Scripts, override: str, message: str) -> None:
    refused(benchmark(scripts, override), message)
    assert not (scripts.folder / "runs").exists()


OVERHEAD = ("measure=overhead", "overhead.steps=10", "overhead.rounds=2", "upsamplers=[bilinear_conv]")
WITH_PROGRESS = "callbacks.progress={_target_:fundus_unet.training.progress.TrainingProgress}"
STOPPING = "+callbacks.stopping={_target_:lightning.pytorch.callbacks.EarlyStopping,monitor:val/dice}"


def test_where_the_time_goes(scripts: Scripts) -> None:
    finished = succeeded(benchmark(scripts, *OVERHEAD, WITH_PROGRESS, STOPPING))
    found = result(scripts, kind="training_overhead")
    assert found["plan"] == {
        "steps": 16,
        "epochs": 2,
        "validations": 2,
        "images": 20,
        "validation_images": 4,
        "workers": 0,
    }
    assert found["upsampler"] == "bilinear_conv"
    bare = found["loops"][0]["seconds"]["median"]
    assert bare > 0
    assert found["flops"] > 0
    parts = {part["part"]: part for part in found["parts"]}
    for name in ("reading and decoding", "forward", "backward", "optimizer", "validation: forward", "figures"):
        assert parts[name]["seconds_each"] > 0, name
    for name in ("patches: geometric augmentation", "patches: colour augmentation", "last.ckpt", "validation.csv"):
        assert parts[name]["seconds_each"] > 0, name
    assert "epoch 1/1" not in finished.out
    assert "beyond bare" in finished.out
    assert {path.name for path in (scripts.folder / OUT).iterdir()} == {
        f"training_overhead.{suffix}" for suffix in ("json", "md", "csv")
    }
    assert str(scripts.folder) not in json.dumps(found)


def test_an_interrupted_measurement_leaves_nothing(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self, batch, batch_idx):
        raise KeyboardInterrupt

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    assert benchmark(scripts, *OVERHEAD).code == 130
    assert list((scripts.folder / OUT).iterdir()) == []
