"""The main job from the command line to the files it leaves."""

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from running import Scripts, refused, succeeded

SHORT = ("trainer.max_epochs=1", "final_split=val", "logger=none")
TORCHRUN = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0", "MASTER_ADDR": "localhost", "MASTER_PORT": "1"}
"""What torchrun tells the first of two processes."""


def weights(run, name="last"):
    return torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]


def test_a_run_is_self_contained_and_evaluation_repeats_its_numbers(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    trained = json.loads((run / "evaluation/test/metrics.json").read_text())
    moved = run.rename(scripts.folder / "elsewhere")
    (moved / "evaluation/test/metrics.json").unlink()
    succeeded(scripts("evaluate", f"run_dir={moved}"))
    assert json.loads((moved / "evaluation/test/metrics.json").read_text()) == trained
    assert len(trained["images"]) == 8
    raters = trained["field_of_view"]
    assert set(raters) == {
        "network at 0.5",
        "network at validation threshold",
        "network with hysteresis",
        "second observer",
    }
    assert raters["network at validation threshold"]["threshold"] == trained["validation_threshold"]
    with (moved / "evaluation/test/per_image.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 * 2 * 4
    dice = [float(r["dice"]) for r in rows if (r["region"], r["rater"]) == ("field_of_view", "network at 0.5")]
    assert np.mean(dice) == pytest.approx(raters["network at 0.5"]["over_images"]["dice"]["mean"])
    cldice = [float(r["cldice"]) for r in rows if (r["region"], r["rater"]) == ("whole_image", "second observer")]
    assert np.mean(cldice) == pytest.approx(trained["whole_image"]["second observer"]["over_images"]["cldice"]["mean"])
    assert all(float(row["betti0_error"]).is_integer() for row in rows)
    assert all("betti0_error" not in rater["pooled"] and "cldice" in rater["pooled"] for rater in raters.values())
    picture = Image.open(moved / "evaluation/test/figures/Image_11L.png")
    assert picture.width == 4 * 480


def test_other_checkpoints_and_splits_do_not_overwrite_the_test_scores(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    before = (run / "evaluation/test/metrics.json").read_bytes()
    succeeded(scripts("evaluate", f"run_dir={run}", "checkpoint=last"))
    succeeded(scripts("evaluate", f"run_dir={run}", "split=val"))
    succeeded(scripts("evaluate", f"run_dir={run}", "data=chasedb1", "data.source.split=fraz8"))
    succeeded(scripts("evaluate", f"run_dir={run}", "tta=d4"))
    assert (run / "evaluation/test/metrics.json").read_bytes() == before
    written = {path.name for path in (run / "evaluation").iterdir()}
    assert written == {"test", "test_last", "test_d4", "val", "ChaseDB1_test"}
    averaged = json.loads((run / "evaluation/test_d4/metrics.json").read_text())
    assert averaged["tta"] == "d4"
    assert averaged["field_of_view"] != json.loads(before)["field_of_view"]
    assert len(json.loads((run / "evaluation/ChaseDB1_test/metrics.json").read_text())["images"]) == 20


def test_the_seed_alone_decides_the_weights(scripts: Scripts) -> None:
    again, other = (succeeded(scripts.train(option)).run_directory for option in ("data.workers=2", "seed=1"))
    first, again, other = (weights(run) for run in (scripts.tiny_run(), again, other))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize(
    ("stop_after", "overrides"),
    [("first epoch", ()), ("before the first epoch ends", ()), ("first epoch", ("trainer.precision=64-true",))],
)
def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch, stop_after: str, overrides: tuple[str, ...]
) -> None:
    from fundus_unet.training.segmenter import VesselSegmenter

    whole = succeeded(scripts.train(*overrides)).run_directory if overrides else scripts.tiny_run()
    original = VesselSegmenter.training_step
    stop_at = 11 if stop_after == "first epoch" else 5

    def interrupted(self, batch, batch_idx):
        if self.global_step == stop_at:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    stopped = scripts.train(*overrides)
    monkeypatch.setattr(VesselSegmenter, "training_step", original)
    assert stopped.code == 130
    assert f"resume={stopped.run_directory.relative_to(scripts.folder)}" in stopped.out
    resumed = succeeded(scripts("train", f"resume={stopped.run_directory}"))
    assert resumed.run_directory == stopped.run_directory
    expected, got = weights(whole), weights(resumed.run_directory)
    assert all(torch.equal(expected[key], got[key]) for key in expected)
    assert json.loads((whole / "evaluation/test/metrics.json").read_text()) == json.loads(
        (resumed.run_directory / "evaluation/test/metrics.json").read_text()
    )


def test_tensorboard_holds_curves_figures_hyperparameters_and_configuration(scripts: Scripts) -> None:
    changed = ("upsampler=bilinear_conv", "model.upsampler.mode=bicubic", "trainer.limit_train_batches=6")
    run = succeeded(scripts.train(*changed)).run_directory
    events = EventAccumulator(str(run), size_guidance={"images": 0, "tensors": 0}).Reload()
    tags = events.Tags()
    wanted = {"loss/train", "loss/train_bce", "loss/train_dice", "loss/val", "val/dice", "val/average_precision"}
    assert wanted <= set(tags["scalars"])
    assert min(tags["scalars"]).startswith("loss/"), "TensorBoard sorts by name"
    assert {"validation/Image_09L", "validation/Image_09R"} <= set(tags["images"])
    assert len(events.Images("validation/Image_09L")) == 2
    assert "validation/precision_recall" in tags["tensors"]
    config = events.Tensors("config/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "InterpolateConvUpsampler" in config
    started = HParamsPluginData.FromString(
        events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    ).session_start_info.hparams
    shown = {name: value.string_value or value.number_value for name, value in started.items()}
    assert shown["Upsampler"] == "bilinear_conv mode=bicubic"
    assert shown["Network"] == "unet: U-Net [4, 8]"
    assert (shown["Steps"], shown["epochs"], shown["batch"], shown["patch"]) == (12, 2, 2, 32)
    assert (shown["loss"], shown["augmentation"], shown["Data"]) == ("bce_dice", "default", "chasedb1")
    assert "trainer.limit_train_batches=6" in shown["changes"]
    final = json.loads((run / "evaluation/test/metrics.json").read_text())["field_of_view"]["network at 0.5"]["pooled"]
    assert [name for name in tags["scalars"] if "final" in name] == ["result/final_dice"]
    assert events.Scalars("result/final_dice")[-1].value == pytest.approx(final["dice"], abs=1e-6)


@pytest.mark.slow
def test_multirun_trains_every_combination(scripts: Scripts) -> None:
    sweep = ("upsampler=transposed_k3s2p1,bilinear_conv", "seed=0,1")
    finished = succeeded(scripts.train(*sweep, *SHORT, multirun=True))
    runs = sorted(path for path in (scripts.folder / "runs/multirun").iterdir() if path.is_dir())
    assert len(runs) == 4
    for upsampler in ("transposed_k3s2p1", "bilinear_conv"):
        for seed in ("seed0", "seed1"):
            assert len([run for run in runs if f"_{upsampler}_" in run.name and f"_{seed}_" in run.name]) == 1
    assert finished.out.count("run directory ") == 4


def test_the_last_checkpoint_is_of_the_last_epoch_however_early_the_best_was(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fundus_unet.metrics.vessel_scores import VesselScores

    falling = iter([0.9, 0.5, 0.4, 0.3])
    compute = VesselScores.compute
    monkeypatch.setattr(VesselScores, "compute", lambda self: compute(self) | {"average_precision": next(falling)})
    run = succeeded(scripts.train("trainer.max_epochs=4")).run_directory
    epochs = {
        name: torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)["epoch"]
        for name in ("best", "last", "previous")
    }
    assert epochs == {"best": 0, "last": 3, "previous": 2}
    assert any(not torch.equal(value, weights(run, "best")[key]) for key, value in weights(run).items())


@pytest.mark.slow
def test_a_multirun_keeps_what_is_finished_resumes_the_rest_and_reports_what_fails(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fundus_unet.training.segmenter import VesselSegmenter

    sweep = ("seed=0,1,2", *SHORT, "trainer.max_epochs=2")
    original, steps = VesselSegmenter.training_step, iter(range(10**6))

    def interrupted(self, batch, batch_idx):
        if next(steps) == 16 + 12:  # in the second epoch of the second job
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    assert scripts.train(*sweep, multirun=True).code == 130
    monkeypatch.setattr(VesselSegmenter, "training_step", original)
    runs = {run.name.split("_")[-2]: run for run in (scripts.folder / "runs/multirun").iterdir() if run.is_dir()}
    assert set(runs) == {"seed0", "seed1"}
    before = (runs["seed0"] / "checkpoints/last.ckpt").stat().st_mtime_ns
    again = succeeded(scripts.train(*sweep, multirun=True))
    assert "3 of 3 runs are finished" in again.out
    assert (runs["seed0"] / "checkpoints/last.ckpt").stat().st_mtime_ns == before
    assert "finished before, and kept" in again.out
    sessions = json.loads((runs["seed1"] / "training.json").read_text())["sessions"]
    assert [session["ended"] for session in sessions] == ["interrupted", "finished"]

    mixed = scripts.train("model.widths=[4,8],[0]", "seed=0", *SHORT, multirun=True)
    assert mixed.code == 1
    assert "1 of 2 runs are finished" in mixed.out
    assert "at least two positive integers" in mixed.err
    first_bad = scripts.train("model.widths=[0],[4,8]", "seed=5", *SHORT, multirun=True)
    assert first_bad.code == 1
    assert "1 of 2 runs are finished" in first_bad.out
    assert "Traceback" not in mixed.err + first_bad.err


@pytest.mark.parametrize(
    ("overrides", "environment", "words"),
    [
        (["trainer.devices=3"], {}, ["data.batch_size as a multiple of 3", "set data.batch_size=3"]),
        (["+trainer.num_nodes=2"], {}, ["2 machines cannot find each other", "MASTER_ADDR, MASTER_PORT, NODE_RANK"]),
        (["+trainer.strategy=ddp_spawn"], {}, ["trainer.strategy", "auto, ddp"]),
        ([], TORCHRUN, ["torchrun started another number of processes", "trainer.devices=1"]),
        ([], {"OMPI_COMM_WORLD_SIZE": "2"}, ["mpirun"]),
    ],
    ids=["batch", "nodes", "strategy", "torchrun", "mpirun"],
)
def test_processes_that_cannot_train_together_are_refused_before_anything_is_written(
    scripts: Scripts,
    monkeypatch: pytest.MonkeyPatch,
    overrides: list[str],
    environment: dict[str, str],
    words: list[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    refused(scripts.train(*overrides), *words)
    assert not (scripts.folder / "runs").exists()


def test_a_budget_of_several_processes_is_refused(scripts: Scripts) -> None:
    given = ("data=chasedb1", "paths.data_dir=sets", "model.widths=[4,8]", "data.scale=1", "data.fov_diameter=null")
    finished = scripts("train", *given, "data_check=off", "trainer=ddp_cpu", "budget=1min")
    refused(finished, "several processes", "data.steps_per_epoch")
    assert not (scripts.folder / "runs").exists()


def test_several_trainings_in_processes_of_a_launcher_are_refused(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TORCHRUN.items():
        monkeypatch.setenv(name, value)
    finished = scripts.train("seed=0,1", "trainer.devices=2", multirun=True)
    assert finished.code == 1
    assert finished.err.count("2 processes for several trainings") >= 2


def test_several_trainings_on_several_machines_are_refused(scripts: Scripts) -> None:
    finished = scripts.train("seed=0,1", "+trainer.num_nodes=2", multirun=True)
    assert finished.code == 1
    assert finished.err.count("2 machines for several trainings") >= 2
    assert not list((scripts.folder / "runs").glob("*/*/config.yaml"))


def test_drive_without_test_labels_trains_and_says_what_is_missing(scripts: Scripts) -> None:
    from data.layouts import write_drive

    write_drive(scripts.folder / "sets" / "DRIVE", test_labels=False)
    finished = succeeded(scripts.train("data=drive"))
    run = finished.run_directory
    assert (run / "evaluation/val/metrics.json").is_file()
    assert "1st_manual" in finished.out
    refused(scripts("evaluate", f"run_dir={run}"), "1st_manual")


@pytest.mark.parametrize("name", ["stare", "hrf", "folder"])
def test_other_sets_train(scripts: Scripts, name: str) -> None:
    from data import layouts

    getattr(layouts, f"write_{name}")(scripts.folder / "sets" / (name if name == "folder" else name.upper()))
    run = succeeded(scripts.train(f"data={name}", "trainer.max_epochs=1")).run_directory
    assert (run / "evaluation/test/metrics.json").is_file()


def test_the_default_data_are_drawn_and_beat_a_threshold_on_green(scripts: Scripts) -> None:
    """The honest floor of the default run: the same evaluation, with the green channel as the probability."""
    from fundus_unet.data.images.preprocessing import Preprocessor
    from fundus_unet.data.images.store import decode
    from fundus_unet.data.sets.synthetic import Synthetic
    from fundus_unet.inference.evaluation import Evaluation
    from fundus_unet.metrics.mask_choice import ChosenMasks
    from fundus_unet.metrics.segmentation import best_dice_threshold, confusion_at

    small = ("data.source.train=4", "data.source.val=1", "data.source.test=2", "data.source.size=256")
    training = ("model.widths=[8,16]", "data.patch_size=64", "data.batch_size=4", "data.steps_per_epoch=60")
    run = succeeded(scripts.train("data=synthetic", "paths.data_dir=drawn", *small, *training)).run_directory
    network = json.loads((run / "evaluation/test/metrics.json").read_text())["field_of_view"]["network at 0.5"]
    green = Evaluation(ChosenMasks(0.5))
    for case in Synthetic(scripts.folder / "drawn/synthetic", 4, 1, 2, 256).splits().test:
        sample = decode(case, Preprocessor(scale=1.0))
        dark = 1 - sample.working.image[..., 1].astype(np.float32) / 255
        green.add(sample, dark * sample.field_of_view)
    pooled = green.tallies["field_of_view"]["network at 0.5"].pooled.histogram
    best_of_green = confusion_at(pooled, best_dice_threshold(pooled)).dice
    assert network["pooled"]["dice"] > best_of_green + 0.1
