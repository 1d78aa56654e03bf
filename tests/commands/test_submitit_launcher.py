"""Runs of a multirun as jobs of a cluster: `hydra/launcher=submitit_slurm`, whose job scripts run here."""

import os
import signal
from pathlib import Path

import pytest

from commands.fake_slurm import write_commands
from commands.launching import DATA, LONGEST, ended, runs_in, started, until
from fundus_unet.runs.run_directory import RunDirectory
from running import Scripts

pytest.importorskip("hydra_plugins.hydra_submitit_launcher", reason="needs the extra sweep")
EPOCHS = 10


@pytest.mark.slow
def test_a_run_that_reaches_its_time_limit_is_queued_again_and_resumes(scripts: Scripts, monkeypatch) -> None:
    folder, cluster = scripts.folder, scripts.folder / "cluster"
    write_commands(cluster)
    monkeypatch.setenv("PATH", str(cluster), prepend=os.pathsep)
    settings = ("timeout_min=1", "partition=gpu", "setup=['export MINE=1']")
    given = ("-m", "hydra/launcher=submitit_slurm", *(f"hydra.launcher.{one}" for one in settings), *DATA)
    given = (*given, "+hydra.launcher.additional_parameters={mail-type:END}", f"trainer.max_epochs={EPOCHS}")
    process = started(folder, "train", *given, "seed=0,1")

    until(
        lambda: (
            process.poll() is not None
            or len(list((folder / "runs/multirun").glob("*_seed0_*/checkpoints/previous.ckpt"))) == 1
        )
    )
    assert process.poll() is None, (folder / "out.txt").read_text()
    os.kill(int((cluster / "pid.7_0").read_text()), signal.SIGUSR2)  # as SLURM does before the time limit
    assert process.wait(LONGEST) == 0, (folder / "out.txt").read_text()
    out = (folder / "out.txt").read_text()
    assert "2 of 2 runs are finished" in out
    assert (cluster / "requeued.7_0").exists()
    assert not (cluster / "requeued.7_1").exists()
    sessions = {run.name.split("seed")[1][0]: RunDirectory(run).sessions for run in runs_in(folder / "runs/multirun")}
    assert [session["ended"] for session in sessions["0"]] == ["interrupted", "finished"]
    assert 0 < sessions["0"][0]["steps"] < sessions["0"][1]["steps"] == EPOCHS * 8
    assert [session["ended"] for session in sessions["1"]] == ["finished"]

    script = (cluster / "script.sh").read_text()
    for line in (
        "#SBATCH --array=0-1%2",
        "#SBATCH --time=1",
        "#SBATCH --partition=gpu",
        "#SBATCH --gpus-per-node=1",
        "#SBATCH --signal=USR2@120",
        "#SBATCH --mail-type=END",
        "export MINE=1",
    ):
        assert line in script.splitlines(), script


@pytest.mark.slow
def test_jobs_of_this_machine(scripts: Scripts) -> None:
    given = ("-m", "hydra/launcher=submitit_local", *DATA, "trainer.max_epochs=1", "model.upsampler.kernel_size=4,1")
    out = ended(scripts.folder, "train", *given, code=1)
    assert "1 of 2 runs are finished" in out
    assert "1 failed; the same command tries them again" in out
    assert not Path(scripts.folder, "runs/multirun/.jobs").exists()
