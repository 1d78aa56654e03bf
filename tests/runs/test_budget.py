"""budget=TIME from the command line: measured once, kept as numbers, the same run again from them."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from fundus_unet.core.errors import InputError
from fundus_unet.runs import prepared_training
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.training.step_timing import Timings
from running import ROOT, TINY, Finished, Scripts, contents, refused, succeeded
from same_numbers import compared, curves_of

LENGTHS = ("data.steps_per_epoch", "trainer.max_epochs")
UNTIMED = tuple(item for item in TINY if not item.startswith(LENGTHS))
SLOW = Timings(start=1.0, step=1.0, validation=2.0)
"""With it, a minute is enough for 44 steps in four epochs."""


def trained(scripts: Scripts, *overrides: str, multirun: bool = False) -> Finished:
    return scripts("train", *["-m"] * multirun, "data=chasedb1", "paths.data_dir=sets", *UNTIMED, *overrides)


@pytest.fixture
def timings(monkeypatch: pytest.MonkeyPatch) -> list[Timings]:
    """What is measured, one after the other; the last for all that follow."""
    found = [SLOW]
    monkeypatch.setattr(prepared_training, "measured", lambda *_: found.pop(0) if len(found) > 1 else found[0])
    return found


@pytest.fixture
def no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the rest of a test."""

    def fail(*_: object) -> None:
        raise AssertionError("it was measured again")

    monkeypatch.setattr(prepared_training, "measured", fail)


def facts_of(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def last(run: Path) -> dict:
    return torch.load(run / "checkpoints/last.ckpt", weights_only=True)


@pytest.mark.slow
def test_a_measured_training_has_a_complete_schedule_and_is_the_one_of_its_numbers(scripts: Scripts) -> None:
    options = ("data.workers=1", "trainer.log_every_n_steps=1", "final_split=val")
    finished = succeeded(trained(scripts, "budget=20s", *options, "paths.run_dir=runs/measured"))
    run = scripts.folder / "runs/measured"
    facts, config, state = facts_of(run), OmegaConf.load(run / "config.yaml"), last(run)
    kept = facts["budget"]
    assert config.budget == kept["budget"] == "20s"
    assert (config.data.steps_per_epoch, config.trainer.max_epochs) == (kept["steps_per_epoch"], kept["epochs"])
    assert state["global_step"] == kept["steps"] == kept["steps_per_epoch"] * kept["epochs"]
    assert state["lr_schedulers"][0]["total_steps"] == kept["steps"]
    rates = curves_of(run)["lr-Muon/kernels"]
    assert len(rates) == kept["steps"]
    assert rates[-1][1] < 1e-4 * max(rate for _, rate in rates)
    assert kept["expected_seconds"] <= 20
    line = next(line for line in finished.out.splitlines() if line.startswith("budget 20 s: "))
    assert f"{kept['steps']:,} steps in {kept['epochs']} epochs" in line
    assert len(line) <= 80
    assert not any(item.startswith("budget") for item in facts["overrides"] + facts["command"])

    repeated = scripts("train", *facts["overrides"][:-3], *facts["overrides"][-2:], "paths.run_dir=runs/repeated")
    assert "of validation:" not in succeeded(repeated).out
    found = list(compared(run, scripts.folder / "runs/repeated"))
    assert len(found) > 10
    assert all(same for _, same in found), found


def test_the_numbers_are_recorded_for_repeating_and_the_budget_is_kept(scripts: Scripts, timings) -> None:
    finished = succeeded(trained(scripts, "budget=1min", "seed=3"))
    run = finished.run_directory
    facts, config = facts_of(run), OmegaConf.load(run / "config.yaml")
    assert facts["overrides"][-3:] == ["seed=3", "data.steps_per_epoch=11", "trainer.max_epochs=4"]
    assert facts["command"][-3:] == ["seed=3", "data.steps_per_epoch=11", "trainer.max_epochs=4"]
    assert (config.budget, config.data.steps_per_epoch, config.trainer.max_epochs) == ("1min", 11, 4)
    assert "budget 60 s: 1 s a step, 8 s of validation: 44 steps in 4 epochs" in finished.out
    assert "44 steps of 2 patches" in finished.out
    assert last(run)["global_step"] == 44
    record = json.loads((run / "data.json").read_text())["settings"]
    assert (record["data.steps_per_epoch"], record["trainer.max_epochs"]) == (11, 4)


def test_an_interrupted_run_goes_on_with_its_numbers(scripts: Scripts, timings, monkeypatch, request) -> None:
    whole = VesselSegmenter.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 30:
            raise KeyboardInterrupt
        return whole(self, batch, batch_idx)

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    assert trained(scripts, "budget=1min", "paths.run_dir=runs/stopped").code == 130
    monkeypatch.setattr(VesselSegmenter, "training_step", whole)
    request.getfixturevalue("no_measuring")
    finished = succeeded(scripts("train", "resume=runs/stopped"))
    assert "epoch" not in finished.err
    state = last(scripts.folder / "runs/stopped")
    assert (state["global_step"], state["epoch"]) == (44, 3)
    assert state["lr_schedulers"][0]["total_steps"] == state["lr_schedulers"][0]["last_epoch"] == 44
    refused(scripts("train", "resume=runs/stopped", "budget=1min"), "a resumed run keeps its configuration")


def test_a_job_of_a_multirun_that_is_given_again_is_found(scripts: Scripts, timings, monkeypatch, request) -> None:
    timings[:] = [SLOW, Timings(1, 2, 2)]
    given = ("budget=1min", "seed=0,1")
    succeeded(trained(scripts, *given, multirun=True))
    runs = sorted(path for path in (scripts.folder / "runs/multirun").iterdir() if path.is_dir())
    assert [last(run)["global_step"] for run in runs] == [44, 20]
    before = {run: contents(run) for run in runs}
    request.getfixturevalue("no_measuring")
    again = succeeded(trained(scripts, *given, multirun=True))
    assert again.out.count("finished before, and kept") == 2
    assert {run: contents(run) for run in runs} == before

    (runs[0] / "threshold.json").unlink()  # as after an interruption
    for path in (runs[0] / "evaluation").rglob("metrics.json"):
        path.unlink()
    succeeded(trained(scripts, *given, multirun=True))
    assert (runs[0] / "threshold.json").is_file()
    assert last(runs[0])["global_step"] == 44


def test_a_place_with_a_run_of_another_budget_is_refused(scripts: Scripts, timings) -> None:
    given = ("paths.run_dir=runs/one",)
    succeeded(trained(scripts, "budget=1min", *given, multirun=True))
    succeeded(trained(scripts, "budget=60s", *given, multirun=True))
    other = trained(scripts, "budget=2min", *given, multirun=True)
    assert other.code == 1
    assert "budget=1min there; 2min asked for" in other.err
    numbers = ("data.steps_per_epoch=11", "trainer.max_epochs=4")
    assert "finished before" in succeeded(trained(scripts, *numbers, *given, multirun=True)).out


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["budget=5"], ["budget=5", "5min or 5s"]),
        (["budget=5m"], ["5min, 90s, 1h or 1h30min, or null", "a number and its unit"]),
        (["budget=true"], ["budget=true"]),
        (["budget=[5min]"], ["budget cannot be used"]),
        (["budget=0s"], ["above nothing"]),
        (["budget=5min", "trainer.max_epochs=3"], ["said in two ways", "budget=5min and trainer.max_epochs=3"]),
        (["budget=5min", "++data.steps_per_epoch=3"], ["budget=5min and ++data.steps_per_epoch=3"]),
        (["budget=5min", "data.epochs=3"], ["budget=5min and data.epochs=3"]),
        (["budget=5min", "+trainer.max_steps=3"], ["budget=5min and trainer.max_steps=3"]),
        (["budget=5min", "trainer=smoke"], ["budget=5min and trainer.limit_train_batches=8"]),
        (["budget=5min", "debug=overfit"], ["budget=5min and trainer.overfit_batches=1"]),
        (["budget=5min", "+trainer.check_val_every_n_epoch=2"], ["trainer.check_val_every_n_epoch=2"]),
    ],
    ids=str,
)
def test_what_is_no_budget_or_not_alone_is_refused(scripts: Scripts, overrides: list[str], words: list[str]) -> None:
    refused(scripts("train", "data=chasedb1", "paths.data_dir=sets", *overrides), *words)
    assert not (scripts.folder / "runs").exists()


def test_too_short_a_budget_is_refused_before_there_is_a_run(scripts: Scripts, timings) -> None:
    finished = trained(scripts, "budget=20s", "paths.run_dir=runs/short")
    refused(finished, "too short for this machine", "at least 28 s", "20 s")
    assert not (scripts.folder / "runs/short").exists()


def test_an_interruption_while_measuring_leaves_no_run(scripts: Scripts, monkeypatch) -> None:
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(VesselSegmenter, "training_step", interrupted)
    finished = trained(scripts, "budget=1min", "paths.run_dir=runs/stopped")
    assert (finished.code, finished.err) == (130, "interrupted\n")
    assert not (scripts.folder / "runs/stopped").exists()


def test_what_is_wrong_with_a_step_is_told_while_measuring(scripts: Scripts, monkeypatch) -> None:
    def broken(*_):
        raise InputError("no step can be made")

    monkeypatch.setattr(VesselSegmenter, "training_step", broken)
    refused(trained(scripts, "budget=1min", "paths.run_dir=runs/broken"), "no step can be made")

    def killed(*_):
        raise RuntimeError("DataLoader worker (pid 7) is killed")

    monkeypatch.setattr(VesselSegmenter, "training_step", killed)
    refused(trained(scripts, "budget=1min", "paths.run_dir=runs/broken"), "pid 7", "data.workers=0")
    assert not (scripts.folder / "runs/broken").exists()


def test_a_training_that_took_longer_says_so(scripts: Scripts, timings) -> None:
    timings[:] = [Timings(0.0, 0.001, 0.001)]
    finished = succeeded(trained(scripts, "budget=0.05s"))
    assert "longer than budget=0.05s: it became slower than it was measured" in finished.out


def makes(arguments: str) -> list[str]:
    """The words of `make train ARGS=...`."""
    command = ["make", "-n", "train", "VENV=v", "LOCK=Makefile", f"ARGS={arguments}"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return shlex.split(next(line for line in lines if "scripts/train.py" in line))[2:]


@pytest.mark.parametrize("arguments", ["", "data=chasedb1", "-m seed=0,1", "data.patch_size=64 upsampler=dysample"])
def test_make_train_takes_five_minutes(arguments: str) -> None:
    assert makes(arguments) == [*arguments.split(), "budget=5min"]


@pytest.mark.parametrize(
    "arguments",
    [
        *("budget=10min", "trainer.max_epochs=3", "++trainer.max_steps=9", "seed=1 resume=last", "debug=overfit"),
        *("trainer=smoke", "data.steps_per_epoch=7", "budget=null", "experiment=any_camera"),
    ],
)
def test_make_train_takes_what_is_asked_for(arguments: str) -> None:
    assert makes(arguments) == arguments.split()
