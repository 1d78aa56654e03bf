"""train start_from=...: a training that begins with the weights of another, and says from then on what they knew."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from fundus_unet.runs import prepared_training
from fundus_unet.runs.learned_images import recorded_images
from fundus_unet.runs.load import read_weights
from fundus_unet.runs.model_file import read_model_file
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.safetensors_file import read_tensors
from fundus_unet.runs.start_file import START
from fundus_unet.runs.start_weights import read_start
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.training.step_timing import Timings
from running import TINY, Exploit, Scripts, contents, refused, succeeded

OTHER_SPLIT = "data.source.split=fraz8"
"""It tests 12 of the 20 images that `tiny_run` learns from, and validates with 2 that it was trained on."""
SHORT = ("data.steps_per_epoch=2", "trainer.max_epochs=1")
Weights = dict[str, torch.Tensor]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Weights]:
    """The weights before the first step of every training."""
    found: list[Weights] = []
    original = VesselSegmenter.training_step

    def watched(self: VesselSegmenter, batch: Any, batch_idx: int) -> torch.Tensor:
        if self.global_step == 0:
            found.append({name: value.clone() for name, value in self.network.state_dict().items()})
        return original(self, batch, batch_idx)

    monkeypatch.setattr(VesselSegmenter, "training_step", watched)
    return found


def interrupt_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    original = VesselSegmenter.training_step

    def interrupted(self: VesselSegmenter, batch: Any, batch_idx: int) -> torch.Tensor:
        if self.global_step == step:
            raise KeyboardInterrupt
        return original(self, batch, batch_idx)

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)


def assert_equal(first: Weights, second: Weights) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def last(run: Path) -> Weights:
    return read_weights(run / "checkpoints/last.ckpt")


def scores(run: Path, folder: str = "test") -> dict[str, Any]:
    return json.loads((run / f"evaluation/{folder}/metrics.json").read_text())


def test_a_run_takes_the_weights_alone_and_what_they_learned_from(scripts: Scripts, begun: list[Weights]) -> None:
    source = scripts.tiny_run()
    best, learned = read_weights(source / "checkpoints/best.ckpt"), recorded_images(source)
    finished = succeeded(scripts.train(OTHER_SPLIT, "start_from=runs/tiny", "paths.run_dir=runs/second"))
    assert_equal(begun[-1], best)
    run = scripts.folder / "runs/second"
    facts, config = json.loads((run / "run.json").read_text())["start_from"], OmegaConf.load(run / "config.yaml")
    assert facts["weights"] == config.start_from == str(source)
    assert f"start     weights of runs/tiny ({facts['fingerprint']})" in finished.out
    assert "has not ended" not in finished.out
    state = torch.load(run / "checkpoints/last.ckpt", weights_only=True)
    assert (state["global_step"], state["lr_schedulers"][0]["total_steps"]) == (16, 16)

    warned = "images are among those that the weights it began with were trained on or chosen by"
    assert f"val: 2 of 2 {warned}" in finished.out
    assert f"test: 12 of 20 {warned}" in finished.out
    (remark,) = scores(run)["remarks"]
    assert remark.startswith(f"12 of 20 {warned}, so that its scores are too good: Image_05L; ")

    shutil.rmtree(source)
    own = {files["image"] for part in ("train", "val") for files in record(run)[part].values()}
    assert learned is not None
    assert recorded_images(run) == own | learned
    succeeded(scripts("evaluate", "run_dir=runs/second", "split=val"))
    assert scores(run, "val")["remarks"][0].startswith(f"2 of 2 {warned}")
    succeeded(scripts("export", "run_dir=runs/second", "path=second.safetensors"))
    trained_on = read_model_file(scripts.folder / "second.safetensors")[1].trained_on
    assert set(trained_on.images or ()) == own | learned
    assert [(one.weights, one.fingerprint) for one in trained_on.began_with or ()] == [("tiny", facts["fingerprint"])]
    third = read_start(str(scripts.folder / "second.safetensors")).inherited
    assert third.images == own | learned
    assert [one.weights for one in third.ancestors] == ["tiny", "second.safetensors"]


def record(run: Path) -> dict[str, Any]:
    return json.loads((run / "data.json").read_text())


def test_a_run_is_continued_without_its_source(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch, begun: list[Weights]
) -> None:
    """Stopped before its first epoch ended, and again after it; no place that its configuration says is read."""
    source = scripts.tiny_run()
    succeeded(scripts.train("seed=5", "start_from=runs/tiny", "paths.run_dir=runs/whole"))
    for step in (3, 11):
        with monkeypatch.context() as patch:
            interrupt_at(step, patch)
            command = ("seed=5", "start_from=runs/tiny") if step == 3 else ("resume=runs/stopped",)
            if step == 3:
                assert scripts.train(*command, "paths.run_dir=runs/stopped").code == 130
                shutil.rmtree(source)
                os.mkfifo(source)  # whoever opens it waits for ever
            else:
                assert scripts("train", *command).code == 130
    run = scripts.folder / "runs/stopped"
    assert_equal(begun[0], begun[1])
    assert_equal(begun[1], begun[2])  # after the first interruption
    finished = succeeded(scripts("train", "resume=runs/stopped"))
    assert "start     weights of runs/tiny (" in finished.out
    assert_equal(last(run), last(scripts.folder / "runs/whole"))
    assert record(run)["inherited"] == record(scripts.folder / "runs/whole")["inherited"]
    refused(scripts("train", "resume=runs/stopped", "start_from=vessels"), "start_from=vessels cannot be applied")

    shutil.rmtree(run / "checkpoints")
    kept = run / START
    kept.rename(scripts.folder / START)
    refused(scripts("train", "resume=runs/stopped"), "no epoch to continue from", "began with are gone", START)
    kept.symlink_to(scripts.folder / START)
    refused(scripts("train", "resume=runs/stopped"), "a link that leads out of the run")
    kept.unlink()
    kept.write_bytes((scripts.folder / START).read_bytes()[:-8])
    refused(scripts("train", "resume=runs/stopped"), "is damaged or no safetensors file")


def no_best(run: Path) -> None:
    (run / "checkpoints/best.ckpt").unlink()


def a_pickle(run: Path) -> None:
    torch.save(Exploit(str(run / "executed")), run / "checkpoints/best.ckpt")


def cut(run: Path) -> None:
    best = run / "checkpoints/best.ckpt"
    best.write_bytes(best.read_bytes()[:2000])


def not_finite(run: Path) -> None:
    state = torch.load(run / "checkpoints/best.ckpt", weights_only=True)
    next(iter(state["state_dict"].values())).fill_(torch.nan)
    torch.save(state, run / "checkpoints/best.ckpt")


def no_record(run: Path) -> None:
    (run / "data.json").write_text("{}")


class TestBadInput:
    """All of it is told before an image is looked for."""

    def refused(self, scripts: Scripts, overrides: list[str], words: list[str]) -> None:
        before = contents(scripts.folder)
        refused(scripts.train("paths.data_dir=nowhere", *overrides), *words)
        assert contents(scripts.folder) == before

    @pytest.mark.parametrize(
        ("overrides", "words"),
        [
            (["start_from=runs/nowhere"], ["there is no", "runs/nowhere", "a run directory, a .safetensors file"]),
            (["start_from=vesels"], ["no weights called 'vesels'", "did you mean 'vessels'"]),
            (["start_form=vessels"], ["start_from"]),
            (["start_from=7"], ["start_from cannot be used"]),
            (["start_from=sets"], ["is no run directory"]),
            (["start_from=mine.safetensors"], ["there is no", "mine.safetensors"]),
            (["start_from=pickled.safetensors"], ["is damaged or no safetensors file"]),
            (["start_from=pickled.pt"], ["no file of weights that can be trained on", "run_dir=RUN_DIRECTORY"]),
            (["start_from=sets/CHASE_DB1/Image_01L.jpg/x"], ["below", "which is a file"]),
            (["start_from=vessels"], ["of another network", "model.widths: [32,64,128,256] in the weights, [4,8] in"]),
            (["start_from=vessels", "resume=last"], ["cannot be applied"]),
        ],
        ids=lambda value: value[0] if "=" in value[0] else "",
    )
    def test_without_a_run(self, scripts: Scripts, overrides: list[str], words: list[str]) -> None:
        for name in ("pickled.safetensors", "pickled.pt"):
            torch.save(Exploit(str(scripts.folder / "executed")), scripts.folder / name)
        self.refused(scripts, overrides, words)
        assert not (scripts.folder / "executed").exists()

    @pytest.mark.parametrize(
        ("damage", "words"),
        [
            (no_best, ["has no best checkpoint", "finish the training"]),
            (a_pickle, ["best.ckpt is damaged"]),
            (cut, ["best.ckpt is damaged"]),
            (not_finite, ["weights", "are damaged", "NaN or infinity"]),
            (no_record, ["it is not known which images the run learned from"]),
        ],
    )
    def test_a_run_that_cannot_be_used(
        self, scripts: Scripts, damage: Callable[[Path], None], words: list[str]
    ) -> None:
        run = scripts.tiny_run()
        damage(run)
        self.refused(scripts, ["start_from=runs/tiny"], ["error: start_from: ", *words])
        assert not (run / "executed").exists()

    def test_another_network(self, scripts: Scripts) -> None:
        scripts.tiny_run()
        for overrides, words in (
            (
                ["upsampler=bilinear_conv"],
                ["upsampler: transposed_k4s2p1 in the weights, bilinear_conv in the new run"],
            ),
            (["model.widths=[8,16]"], ["model.widths: [4,8] in the weights", "same network: model.widths=[4,8]"]),
            (
                ["model=attention_unet", "model.widths=[4,8]"],
                ["model: unet in the weights, attention_unet in", "=unet"],
            ),
            (["start_from=runs/tiny/checkpoints/best.ckpt"], ["is a checkpoint of a run", "start_from=", "runs/tiny"]),
        ):
            self.refused(scripts, ["start_from=runs/tiny", *overrides], words)

    @pytest.mark.parametrize("name", ["compare_accuracy", "benchmark_training"])
    def test_a_comparison(self, scripts: Scripts, name: str) -> None:
        refused(scripts(name, "start_from=vessels"), "start_from is for one training", "run_dirs=[...]")


def test_a_file_that_does_not_say_what_it_learned_from_is_told_of_wherever_the_run_is_scored(scripts: Scripts) -> None:
    run = scripts.tiny_run()
    (run / "data.json").unlink()
    succeeded(scripts("export", "run_dir=runs/tiny", "path=old file.safetensors"))
    finished = succeeded(scripts.train(*SHORT, "start_from=old file.safetensors", "paths.run_dir=runs/second"))
    told = "descend from old file.safetensors (data=chasedb1), of which it is not recorded which images they learned"
    assert told in finished.out
    assert told in scores(scripts.folder / "runs/second")["remarks"][0]
    finished = scripts("cross_dataset", "paths.data_dir=sets", "run_dirs=[runs/second]", "sets=[chasedb1]")
    found = json.loads((scripts.folder / "runs/across_sets/datasets.json").read_text())
    assert found["cells"]["second"]["chasedb1"]["may_have_learned"]
    assert "it began with the weights of old file.safetensors" in found["networks"]["second"]["notes"][0]
    assert "or may have learned, from them" in " ".join(finished.out.split())
    assert RunDirectory(scripts.folder / "runs/second").config.start_from.endswith("/old file.safetensors")


def test_the_projects_weights_are_trained_on(scripts: Scripts, begun: list[Weights]) -> None:
    overrides = ("model.widths=[32,64,128,256]", "start_from=vessels", "paths.run_dir=runs/second")
    succeeded(scripts.train(*SHORT, *overrides))
    run = scripts.folder / "runs/second"
    assert_equal(begun[-1], dict(read_start("vessels").weights))
    assert_equal(read_tensors(run / START, "", "")[1], begun[-1])
    assert OmegaConf.load(run / "config.yaml").start_from == "vessels"


def test_many_runs_begin_with_weights_each_and_are_kept_when_these_are_gone(
    scripts: Scripts, begun: list[Weights]
) -> None:
    source = scripts.tiny_run()
    (source / "threshold.json").unlink()
    command = (*SHORT, "start_from=runs/tiny,runs/nowhere", "hydra.sweep.dir=many")
    finished = scripts.train(*command, multirun=True)
    assert "its best checkpoint so far is taken" in finished.out
    assert "there is no" in finished.err
    (run,) = (path for path in (scripts.folder / "many").iterdir() if (path / "config.yaml").is_file())
    assert OmegaConf.load(run / "config.yaml").start_from == str(source)
    assert_equal(begun[-1], read_weights(source / "checkpoints/best.ckpt"))
    shutil.rmtree(source)
    before = contents(run)
    assert "finished before, and kept" in scripts.train(*command, multirun=True).out
    assert contents(run) == before


def test_a_budget(scripts: Scripts, begun: list[Weights], monkeypatch: pytest.MonkeyPatch) -> None:
    source = scripts.tiny_run()
    monkeypatch.setattr(prepared_training, "measured", lambda *_: Timings(1.0, 1.0, 10.0))
    free = [item for item in TINY if not item.startswith(("data.steps_per_epoch", "trainer.max_epochs"))]
    given = (
        "data=chasedb1",
        "paths.data_dir=sets",
        *free,
        "budget=50s",
        "start_from=runs/tiny",
        "paths.run_dir=runs/b",
    )
    succeeded(scripts("train", *given))
    facts = json.loads((scripts.folder / "runs/b/run.json").read_text())
    assert facts["budget"]["steps"] < 50
    assert {item for item in facts["overrides"] if item.startswith(("start_from", "budget"))} == {given[-2]}
    assert_equal(begun[-1], read_weights(source / "checkpoints/best.ckpt"))


@pytest.mark.slow
def test_two_processes_begin_alike(scripts: Scripts) -> None:
    scripts.tiny_run()
    precise = ("trainer.precision=64-true", "data.batch_size=4", "start_from=runs/tiny")
    for name, trainer in (("one", "cpu"), ("two", "ddp_cpu")):
        succeeded(scripts.train(*precise, f"trainer={trainer}", f"paths.run_dir=runs/{name}"))
    one, two = last(scripts.folder / "runs/one"), last(scripts.folder / "runs/two")
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-6, atol=1e-9)
