"""Runs of a multirun side by side: `hydra/launcher=joblib`."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from commands.launching import DATA, LONGEST, ended, killed_when, runs_in, started, until
from fundus_unet.commands.error_messages import explain
from fundus_unet.runs.run_directory import RunDirectory
from running import Scripts

pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="needs the extra sweep")
EPOCHS = 12
LAUNCHER = ("-m", "hydra/launcher=joblib")


@pytest.mark.slow
def test_two_at_a_time_are_the_same_runs_as_one_after_another(scripts: Scripts) -> None:
    folder = scripts.folder
    given = (*DATA, "seed=0,1", "model.upsampler.kernel_size=4,1")
    out = ended(folder, "train", *LAUNCHER, *given, code=1)
    rows = [line.split() for line in out.splitlines() if line.lstrip().startswith("*_")]
    assert [row[1:3] for row in rows] == [
        [f"seed={seed}", f"model.upsampler.kernel_size={size}"] for seed in (0, 1) for size in (4, 1)
    ]
    assert [row[-1] for row in rows] == ["finished", "failed", "finished", "failed"]
    assert "2 of 4 runs are finished, in runs/multirun" in out
    assert "2 failed; the same command tries them again" in out
    assert "Traceback" not in out
    assert "UserWarning" not in out
    runs = runs_in(folder / "runs/multirun")
    assert len(runs) == 2
    logs = [path.read_text() for path in sorted((folder / "runs/multirun/logs").iterdir())]
    assert sum("run directory" in log for log in logs) == 2
    assert sum("error: " in log for log in logs) == 2
    assert not (folder / "runs/multirun/.jobs").exists()
    assert json.loads((runs[0] / "run.json").read_text())["command"][:3] == ["fundus-unet", "train", "-m"]
    before = {run: (run / "checkpoints/last.ckpt").read_bytes() for run in runs}

    one_after_another = scripts.train("seed=0,1", "model.upsampler.kernel_size=4", multirun=True)
    assert "2 of 2 runs are finished" in one_after_another.out
    assert {run: (run / "checkpoints/last.ckpt").read_bytes() for run in runs} == before, "a finished run is kept"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_the_same_command_goes_on_after_an_end_from_outside(scripts: Scripts, number: signal.Signals) -> None:
    folder = scripts.folder
    given = (*LAUNCHER, *DATA, "seed=0,1", f"trainer.max_epochs={EPOCHS}")

    def trains() -> bool:
        return len(list((folder / "runs/multirun").glob("*/checkpoints/previous.ckpt"))) >= 2

    code = killed_when(started(folder, "train", *given), trains, number)
    assert code == (-number if number == signal.SIGKILL else 130), (folder / "out.txt").read_text()
    assert "Traceback" not in (folder / "out.txt").read_text()
    begun = runs_in(folder / "runs/multirun")
    until(lambda: all(_can_be_locked(run) for run in begun))  # the processes of the jobs end with the command's
    validations = {run: RunDirectory(run).validations for run in begun}
    assert len(begun) == 2
    assert all(validations.values())
    assert min(map(len, validations.values())) < EPOCHS, "one of the two may be ahead"
    if number == signal.SIGINT:
        return  # what is left is what a kill leaves
    out = ended(folder, "train", *given)
    assert "2 of 2 runs are finished" in out
    assert runs_in(folder / "runs/multirun") == begun
    for run, before in validations.items():  # their seconds would be others, had the run begun anew
        assert RunDirectory(run).sessions[-1]["steps"] == EPOCHS * 8
        assert RunDirectory(run).validations[: len(before) - 1] == before[:-1]


JOB = """
import multiprocessing, os, sys, time
from fundus_unet.commands.job_process import in_its_process
from fundus_unet.commands.multirun import Multirun
multiprocessing.current_process().name = "LokyProcess-1"
found = Multirun()
found.start((), 1, sys.argv[1])
found.place = (found.place[0], int(sys.argv[2]) or os.getppid())
with in_its_process("job 1 of 1", "mine"):
    print("begun", flush=True)
    time.sleep(3)
"""


@pytest.mark.parametrize("ended_before", [False, True])
def test_a_job_does_not_outlive_a_command_that_ended_while_it_was_started(tmp_path: Path, ended_before: bool) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    given = [sys.executable, "-c", JOB, str(tmp_path), str(gone.pid if ended_before else 0)]
    assert subprocess.run(given).returncode == int(ended_before)


@pytest.mark.slow
def test_a_process_of_a_job_that_is_killed_is_told(scripts: Scripts) -> None:
    folder = scripts.folder
    process = started(folder, "train", *LAUNCHER, *DATA, "seed=0,1", "trainer.max_epochs=400")
    until(lambda: process.poll() is not None or any((folder / "runs/multirun").glob("*/checkpoints/last.ckpt")))
    children = subprocess.run(["pgrep", "-P", str(process.pid), "-f", "popen_loky"], capture_output=True, text=True)
    os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
    assert process.wait(LONGEST) == 2
    out = (folder / "out.txt").read_text()
    assert "a process that ran a job ended before its time" in out
    assert "the same command again" in out
    assert "Traceback" not in out


def _can_be_locked(run: Path) -> bool:
    from fundus_unet.core.errors import InputError
    from fundus_unet.runs.lock import training_in

    try:
        with training_in(run):
            return True
    except InputError:
        return False


def test_a_lost_process_without_a_word_is_told_too() -> None:
    assert "ended before its time: BrokenProcessPool" in str(explain(BrokenProcessPool(), "train"))


def test_what_is_missing_is_said(scripts: Scripts, monkeypatch) -> None:
    from hydra.core.plugins import Plugins

    found = {name: one for name, one in Plugins.instance().class_name_to_class.items() if "joblib" not in name}
    monkeypatch.setattr(Plugins.instance(), "class_name_to_class", found)
    finished = scripts("train", *LAUNCHER, "seed=0,1")
    assert finished.code == 2
    assert "hydra-joblib-launcher is not installed" in finished.err
    assert "pip install 'fundus-unet[sweep]'" in finished.err
