"""A comparison from the command line: trained, continued, refused, and read by a person."""

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from data.layouts import write_drive
from fundus_unet.commands.config_files import CONFIG_DIR
from fundus_unet.commands.upsamplers import network_for, upsampler_options
from fundus_unet.comparison.variants import variant_of
from fundus_unet.runs.model_facts import facts_of
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.training.segmenter import VesselSegmenter
from running import TINY, Finished, Scripts

VARIANTS = "upsamplers=[transposed_k4s2p1,bilinear_conv]"
OUT = Path("runs/comparison")


def compare(scripts: Scripts, *overrides: str) -> Finished:
    return scripts(
        "compare_accuracy", "data=chasedb1", "paths.data_dir=sets", *TINY, "trainer.max_epochs=1", *overrides
    )


def result(scripts: Scripts) -> dict:
    return json.loads((scripts.folder / OUT / "accuracy.json").read_text())


@pytest.fixture
def compared(scripts: Scripts, kept: Path) -> Scripts:
    """A finished comparison."""

    def make() -> None:
        finished = compare(scripts, VARIANTS, "seeds=[0,1]")
        assert finished.code == 0, finished.err

    scripts.make_once(kept, make)
    return scripts


def test_every_variant_is_trained_with_every_seed_and_all_scores_are_summed_up(compared: Scripts) -> None:
    found = result(compared)
    assert list(found["variants"]) == ["transposed_k4s2p1", "bilinear_conv"]
    assert found["control"] == "transposed_k4s2p1"
    variant = found["variants"]["bilinear_conv"]
    assert variant["seeds"] == [0, 1]
    run = compared.folder / OUT / variant["runs"]["1"]["run_dir"]
    metrics = json.loads((run / "evaluation/test/metrics.json").read_text())
    pooled = metrics["field_of_view"]["network at 0.5"]["pooled"]
    for name in ("dice", "cldice", "auroc"):
        assert variant["scores"]["network at 0.5"][name]["pooled"]["per_seed"][1] == pooled[name]
    assert variant["runs"]["1"]["processor_seconds"] > 0
    assert "upsampler=bilinear_conv" in variant["runs"]["1"]["overrides"]
    assert found["second_observer"]["pooled"]["dice"] > 0
    difference = found["differences"]["network at 0.5"]["average_precision"]["bilinear_conv"]
    with (compared.folder / OUT / "accuracy_per_image.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["rater"] == "network at 0.5"]
    assert len(rows) == 2 * 2 * 8
    by_variant = {
        name: [float(r["average_precision"]) for r in rows if r["variant"] == name] for name in found["variants"]
    }
    expected = sum(by_variant["bilinear_conv"]) / 16 - sum(by_variant["transposed_k4s2p1"]) / 16
    assert difference["mean"] == pytest.approx(expected)
    assert difference["verdict"] in ("none", "higher", "lower")
    assert "bilinear_conv" in (compared.folder / OUT / "accuracy.md").read_text()
    text = json.dumps(found)
    assert str(compared.folder) not in text
    assert "sets" not in json.dumps(found["command"])


def test_variants_start_from_the_same_weights_outside_the_upsamplers() -> None:
    model = OmegaConf.load(CONFIG_DIR / "model/unet.yaml")
    model.widths = [4, 8]
    model.downsampler = OmegaConf.load(CONFIG_DIR / "downsampler/max_pool.yaml")
    starts = {}
    for name in upsampler_options():
        torch.manual_seed(3)
        starts[name] = network_for(OmegaConf.create({"model": model}), name).state_dict()
    first = starts["transposed_k4s2p1"]
    shared = [key for key in first if not key.startswith("upsamplers.")]
    assert len(shared) > 20
    for name, weights in starts.items():
        assert all(torch.equal(weights[key], first[key]) for key in shared), name


def test_the_same_command_continues_and_trains_only_what_is_missing(compared: Scripts) -> None:
    runs = compared.folder / OUT / "runs"
    before = result(compared)
    times = {path.name: (path / "checkpoints/last.ckpt").stat().st_mtime_ns for path in runs.iterdir()}
    shutil.rmtree(runs / "bilinear_conv_seed1")
    finished = compare(compared, VARIANTS, "seeds=[0,1]")
    assert finished.code == 0, finished.err
    assert finished.out.count("run directory ") == 1
    for name, time in times.items():
        unchanged = (runs / name / "checkpoints/last.ckpt").stat().st_mtime_ns == time
        assert unchanged == (name != "bilinear_conv_seed1")
    assert result(compared)["differences"] == before["differences"]


def test_after_an_interruption_the_same_command_resumes(compared: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    run = compared.folder / OUT / "runs" / "bilinear_conv_seed1"
    before = result(compared)["differences"]
    shutil.rmtree(run)
    original = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 3:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    stopped = compare(compared, VARIANTS, "seeds=[0,1]")
    monkeypatch.setattr(VesselSegmenter, "training_step", original)
    assert stopped.code == 130
    assert "give the same comparison again" in stopped.out
    assert compare(compared, VARIANTS, "seeds=[0,1]").code == 0
    assert [session["ended"] for session in json.loads((run / "training.json").read_text())["sessions"]] == [
        "interrupted",
        "finished",
    ]
    assert result(compared)["differences"] == before


def test_other_settings_do_not_continue_an_old_comparison(compared: Scripts) -> None:
    finished = compare(compared, VARIANTS, "seeds=[0,1]", "data.patch_size=16")
    assert finished.code == 2
    assert "data.patch_size: 32 in there; 16 in asked for" in finished.err
    assert "choose another out_dir" in finished.err


def test_finished_runs_are_compared_without_training(compared: Scripts) -> None:
    runs = compared.folder / OUT / "runs"
    directories = ",".join(str(runs / f"{variant}_seed0") for variant in ("bilinear_conv", "transposed_k4s2p1"))
    finished = compare(compared, f"run_dirs=[{directories}]", "control=bilinear_conv", "out_dir=other")
    assert finished.code == 0, finished.err
    assert "run directory " not in finished.out
    found = json.loads((compared.folder / "other/accuracy.json").read_text())
    assert found["control"] == "bilinear_conv"
    difference = found["differences"]["network at 0.5"]["dice"]["transposed_k4s2p1"]
    assert (difference["interval"], difference["verdict"]) == (None, "unknown")
    assert "One seed" in finished.out


def test_bad_run_directories_are_reported_and_the_others_compared(compared: Scripts) -> None:
    runs = compared.folder / OUT / "runs"
    (runs / "bilinear_conv_seed1" / "threshold.json").unlink()
    foreign = compared.folder / "foreign"
    foreign.mkdir()
    (foreign / "config.yaml").write_text("task: classification\n")
    names = [runs / f"{variant}_seed{seed}" for variant in ("transposed_k4s2p1", "bilinear_conv") for seed in (0, 1)]
    directories = ",".join(map(str, [*names, foreign, compared.folder / "nowhere"]))
    finished = compare(compared, f"run_dirs=[{directories}]", "out_dir=other")
    assert finished.code == 1
    found = json.loads((compared.folder / "other/accuracy.json").read_text())
    reasons = {Path(failure["run"]).name: failure["reason"] for failure in found["failures"]}
    assert set(reasons) == {"bilinear_conv_seed1", "foreign", "nowhere"}
    assert "not finished" in reasons["bilinear_conv_seed1"]
    assert "no training configuration" in reasons["foreign"]
    assert "there is no directory" in reasons["nowhere"]
    assert {variant: summary["seeds"] for variant, summary in found["variants"].items()} == {
        "transposed_k4s2p1": [0, 1],
        "bilinear_conv": [0],
    }
    nothing = compare(compared, f"run_dirs=[{foreign}]")
    assert nothing.code == 2
    assert "no finished run" in nothing.err


def test_a_run_that_cannot_be_scored_does_not_stop_the_others(compared: Scripts) -> None:
    run = compared.folder / OUT / "runs" / "bilinear_conv_seed1"
    (run / "evaluation/test/metrics.json").write_text("{")
    (run / "checkpoints/best.ckpt").unlink()
    finished = compare(compared, VARIANTS, "seeds=[0,1]")
    assert finished.code == 1
    assert "not compared: bilinear_conv_seed1: the run" in finished.out
    assert "has no best checkpoint" in finished.out
    assert result(compared)["variants"]["bilinear_conv"]["seeds"] == [0]
    alone = compare(compared, f"run_dirs=[{run}]")
    assert alone.code == 2
    assert "has no best checkpoint" in alone.err


def test_runs_of_another_budget_are_refused_unless_told(compared: Scripts) -> None:
    longer = compared.train("trainer.max_epochs=2", "upsampler=bilinear_conv").run_directory
    control = compared.folder / OUT / "runs" / "transposed_k4s2p1_seed0"
    finished = compare(compared, f"run_dirs=[{control},{longer}]", "out_dir=other")
    assert finished.code == 2
    assert "trainer.max_epochs: 1 in transposed_k4s2p1_seed0; 2 in" in finished.err
    assert not (compared.folder / "other").exists()
    allowed = compare(compared, f"run_dirs=[{control},{longer}]", "out_dir=other", "allow_different=true")
    assert allowed.code == 0, allowed.err
    assert "differ in more than the upsampler" in (compared.folder / "other/accuracy.md").read_text()


def test_a_variant_that_diverges_is_reported_and_the_others_go_on(scripts: Scripts) -> None:
    overrides = (VARIANTS, "seeds=[0]", "optimizer=adamw", "optimizer.lr=1e11", "trainer.gradient_clip_val=null")
    finished = compare(scripts, *overrides)
    assert finished.code == 2
    assert "no finished run" in finished.err
    assert finished.err.count("training diverged") == 2
    again = compare(scripts, *overrides)
    assert again.err.count("diverged in an earlier comparison") == 2


def test_one_diverged_variant_does_not_stop_the_others(compared: Scripts) -> None:
    training = compared.folder / OUT / "runs" / "bilinear_conv_seed1" / "training.json"
    sessions = json.loads(training.read_text())["sessions"]
    training.write_text(json.dumps({"sessions": [*sessions, sessions[-1] | {"ended": "diverged"}]}))
    finished = compare(compared, VARIANTS, "seeds=[0,1]")
    assert finished.code == 1
    found = result(compared)
    assert [failure["run"] for failure in found["failures"]] == ["bilinear_conv_seed1"]
    assert found["variants"]["bilinear_conv"]["seeds"] == [0]
    assert found["variants"]["transposed_k4s2p1"]["seeds"] == [0, 1]
    assert "not compared: bilinear_conv_seed1: training diverged" in finished.out


def test_equal_parameters(scripts: Scripts) -> None:
    finished = compare(scripts, VARIANTS, "seeds=[0]", "match_parameters=true", "model.widths=[8,16]")
    assert finished.code == 0, finished.err
    variants = result(scripts)["variants"]
    counts = {name: variant["runs"]["0"]["parameters"] for name, variant in variants.items()}
    matched = next(name for name in counts if name.startswith("bilinear_conv_width1."))
    assert counts[matched] == pytest.approx(counts["transposed_k4s2p1"], rel=0.03)
    assert result(scripts)["protocol"]["parameters_matched"]


def test_a_split_without_labels_is_refused_before_training(scripts: Scripts) -> None:
    write_drive(scripts.folder / "sets" / "DRIVE", test_labels=False)
    finished = compare(scripts, "data=drive", VARIANTS)
    assert finished.code == 2
    assert "cannot be evaluated" in finished.err
    assert "split=val" in finished.err
    assert not (scripts.folder / "runs").exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("upsamplers=[bilinear_conv]", "expected: at least 2"),
        ("upsamplers=[bilinear_conv,transposed_k4s2p]", "did you mean 'transposed_k4s2p1'"),
        ("control=dysample", "control 'dysample' is not among the upsamplers"),
        ("seeds=[]", "seeds cannot be used"),
        ("seeds=[0,0]", "seeds cannot be used"),
        ("seeds=[a]", "an integer"),
        ("seeds=3", "seeds cannot be used"),
        ("run_dirs=somewhere", "run_dirs cannot be used"),
        ("upsampler=bilinear_conv", "expected: upsamplers=[...]"),
        ("seed=3", "expected: upsamplers=[...], seeds=[...] and folds=NUMBER"),
        ("model.upsampler.bias=false", "same for every run"),
        ("upsamplrs=[a,b]", "did you mean 'upsamplers'"),
    ],
)
def test_bad_settings(scripts: Scripts, override: str, message: str) -> None:
    finished = compare(scripts, override)
    assert finished.code == 2
    assert message in finished.err
    assert not (scripts.folder / "runs").exists()


def test_parameters_of_a_network_without_that_width_are_not_matched(scripts: Scripts) -> None:
    finished = compare(scripts, VARIANTS, "seeds=[0]", "match_parameters=true", "~model.upsampled_width")
    assert finished.code == 2
    assert "model.upsampled_width" in finished.err


def test_a_changed_upsampler_is_a_variant_of_its_own(scripts: Scripts) -> None:
    run = scripts.tiny_run("upsampler=bilinear_conv", "model.upsampler.mode=bicubic")
    assert variant_of(RunDirectory(run)) == "bilinear_conv-mode-bicubic"
    assert facts_of(RunDirectory(run)).upsampler == "bilinear_conv mode=bicubic"
