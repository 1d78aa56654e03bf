"""One training in two processes: the numbers of one, whatever ends it, and continued with either."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data.layouts import write_folder
from fundus_unet.inference.evaluation import NETWORK
from running import ROOT, TINY, Scripts, refused, succeeded

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")]

EVERY_STEP = ("trainer.log_every_n_steps=1", "data.batch_size=4", "trainer.precision=64-true")
"""In float64, so that what differs is an error, and not rounding that training makes larger with every step."""
TWO = "trainer=ddp_cpu"
TOLERANCE = 2e-7
"""Of what TensorBoard keeps in float32."""


def curves(run: Path) -> dict[str, list[float]]:
    events = EventAccumulator(str(run)).Reload()
    return {name: [event.value for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def weights(run: Path, name: str = "last") -> dict[str, torch.Tensor]:
    return torch.load(run / f"checkpoints/{name}.ckpt", weights_only=True)["state_dict"]


def sessions(run: Path) -> list[dict]:
    return json.loads((run / "training.json").read_text())["sessions"]


def assert_alike(run: Path, other: Path) -> None:
    first, second = weights(run), weights(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=1e-6, atol=1e-9)


@pytest.fixture
def pair(scripts: Scripts, kept: Path) -> tuple[Path, Path]:
    """The same training in one process and in two."""

    def make() -> None:
        for name, trainer in (("one", "trainer=cpu"), ("two", TWO)):
            finished = succeeded(scripts.train(*EVERY_STEP, trainer, f"paths.run_dir=runs/{name}"))
            (finished.run_directory / "said.txt").write_text(finished.out)
            assert finished.err == ""

    scripts.make_once(kept, make)
    return scripts.folder / "runs/one", scripts.folder / "runs/two"


def test_two_processes_train_evaluate_and_say_what_one_does(pair: tuple[Path, Path]) -> None:
    one, two = pair
    first, second = curves(one), curves(two)
    print(f"\n{'':22}{'values':>7}{'one':>12}{'two':>12}{'differ by':>12}")
    for name, values in first.items():
        gap = max(abs(a - b) for a, b in zip(values, second[name], strict=True))
        print(f"{name:22}{len(values):7}{values[-1]:12.6f}{second[name][-1]:12.6f}{gap:12.1e}")
        assert gap < TOLERANCE, name
    assert first.keys() == second.keys()
    assert len(first["loss/train"]) == 16
    assert_alike(one, two)
    files = [
        sorted(str(path.relative_to(run)) for path in run.rglob("*.*") if "events" not in path.name) for run in pair
    ]
    assert files[0] == files[1], "one run directory, one evaluation"
    said = [(run / "said.txt").read_text() for run in pair]
    assert "64-true on cpu, 2 processes" in " ".join(said[1].split())
    assert "processes" not in said[0]
    assert said[1].count("run directory ") == said[1].count("test, 8 images") == 1
    assert [session["processes"] for session in (*sessions(one), *sessions(two))] == [1, 2]
    facts = json.loads((two / "run.json").read_text())
    assert facts["environment"]["processes"] == 2
    table = [json.loads((run / "evaluation/test/metrics.json").read_text()) for run in pair]
    dice = [scores["field_of_view"][NETWORK]["pooled"]["dice"] for scores in table]
    assert dice[0] == dice[1]


def test_nothing_is_left_of_the_processes(pair: tuple[Path, Path]) -> None:
    assert not torch.distributed.is_initialized()
    assert not {"MASTER_PORT", "LOCAL_RANK", "WORLD_SIZE", "FUNDUS_UNET_PROCESS"} & os.environ.keys()


@pytest.mark.parametrize("begun", ["one", "two"])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_run_is_continued_by_any_number_of_processes(
    scripts: Scripts, pair: tuple[Path, Path], begun: str, processes: int
) -> None:
    """From the first of two epochs; the end is that of the run that was not interrupted."""
    run = scripts.folder / "runs" / begun
    whole = shutil.copytree(run, scripts.folder / "whole")
    for name in ("threshold.json", "evaluation"):
        path = run / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (run / "checkpoints/previous.ckpt").replace(run / "checkpoints/last.ckpt")
    how = TWO if processes == 2 else "trainer.devices=1"
    finished = succeeded(scripts("train", f"resume={run}", how, "paths.data_dir=sets"))
    assert ("2 processes" in finished.out) == (processes == 2)
    assert sessions(run)[-1]["processes"] == processes
    assert sessions(run)[-1]["steps"] == 16
    assert_alike(whole, run)


def test_what_else_a_resumed_run_may_not_change(scripts: Scripts, pair: tuple[Path, Path]) -> None:
    refused(scripts("train", f"resume={pair[0]}", "trainer.max_epochs=5"), "keeps its configuration", "trainer.devices")
    refused(scripts("train", f"resume={pair[0]}", "trainer=smoke"), "trainer=smoke cannot be applied")
    refused(scripts("train", f"resume={pair[0]}", "trainer.devices=3"), "as a multiple of 3")


def test_more_processes_than_validation_images_and_an_odd_number(scripts: Scripts) -> None:
    """Three processes for two images, one patch each."""
    write_folder(scripts.folder / "sets/folder", count=6)
    data = ("data=folder", "data.source.val_fraction=0.3", "data.steps_per_epoch=2", "data.batch_size=3")
    given = (*EVERY_STEP, "trainer.max_epochs=1", *data)
    runs = [
        succeeded(scripts.train(*given, how, f"paths.run_dir=runs/{number}")).run_directory
        for number, how in enumerate(("trainer.devices=1", "trainer.devices=3"))
    ]
    assert [len(json.loads((run / "data.json").read_text())["val"]) for run in runs] == [2, 2]
    first, second = map(curves, runs)
    for name, values in first.items():
        assert second[name] == pytest.approx(values, abs=TOLERANCE), name


def test_many_runs_of_two_processes_each(scripts: Scripts) -> None:
    given = ("seed=0,1", TWO, "trainer.max_epochs=1", "data.steps_per_epoch=2", "logger=csv")
    finished = succeeded(scripts.train(*given, multirun=True))
    assert "2 of 2 runs are finished" in finished.out
    files = list((scripts.folder / "runs/multirun").glob("*/curves.csv"))
    assert len(files) == 2
    for file in files:
        logged = [line.rpartition(",")[0] for line in file.read_text().splitlines()]
        assert len(logged) == len(set(logged)), "each value is written once"


@pytest.fixture
def start(scripts: Scripts) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts `scripts/train.py` in its own process group, with what it says in `out.txt` and `err.txt`."""
    started: list[subprocess.Popen[bytes]] = []

    def call(
        *overrides: str, program: tuple[str, ...] = (), environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        given = ("data=chasedb1", "paths.data_dir=sets", *TINY, TWO, "paths.run_dir=run", *overrides)
        with (scripts.folder / "out.txt").open("ab") as out, (scripts.folder / "err.txt").open("ab") as err:
            process = subprocess.Popen(
                [sys.executable, *program, str(ROOT / "scripts/train.py"), *given],
                cwd=scripts.folder,
                stdout=out,
                stderr=err,
                env=os.environ | {"COLUMNS": "300"} | (environment or {}),
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def others_of(process: subprocess.Popen[bytes]) -> list[int]:
    """The processes that it has started and that run python."""
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(number) for number in listed]


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


ENDS = {
    "first, SIGKILL": (signal.SIGKILL, False, -signal.SIGKILL),
    "other, SIGKILL": (signal.SIGKILL, False, 2),
    "first, SIGTERM": (signal.SIGTERM, False, 130),
    "all, SIGINT": (signal.SIGINT, True, 130),
}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads the processes from /proc")
@pytest.mark.parametrize("end", ENDS)
def test_where_one_process_ends_all_do_and_the_run_can_be_continued(
    scripts: Scripts, start: Callable[..., subprocess.Popen[bytes]], end: str
) -> None:
    number, group, code = ENDS[end]
    process = start("trainer.max_epochs=3", "data.steps_per_epoch=40")
    out, err = scripts.folder / "out.txt", scripts.folder / "err.txt"
    assert wait_until((scripts.folder / "run/checkpoints/last.ckpt").exists, 120), err.read_text()
    others = others_of(process)
    assert len(others) == 1
    os.kill(others[0], signal.SIGUSR2)  # as a cluster does to all before its time limit, which the first one acts on
    if group:
        os.killpg(process.pid, number)
    else:
        os.kill(process.pid if end.startswith("first") else others[0], number)
    assert process.wait(60) == code
    assert wait_until(lambda: not any(Path(f"/proc/{other}").exists() for other in others), 60)
    said, errors = out.read_text(), err.read_text()
    assert (said + errors).count("continue with: ") == 1, said + errors
    assert "Traceback" not in errors
    assert errors.count("error:") == (0 if code == 130 else 1), errors
    if end.startswith("other"):
        assert f"process 2 of 2 on this machine was ended by {end.split()[1]}" in errors
    succeeded(scripts("train", "resume=run", "paths.data_dir=sets", "trainer.devices=1"))
    assert sessions(scripts.folder / "run")[-1]["steps"] == 120


@pytest.mark.parametrize("processes", [2])
def test_processes_that_torchrun_has_started_are_one_training(
    scripts: Scripts, start: Callable[..., subprocess.Popen[bytes]], pair: tuple[Path, Path], processes: int
) -> None:
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", str(processes))
    assert start(*EVERY_STEP, program=launcher).wait(180) == 0, (scripts.folder / "err.txt").read_text()
    said = (scripts.folder / "out.txt").read_text()
    assert said.count("run directory run\n") == said.count("test, 8 images") == 1
    assert all(torch.equal(value, weights(pair[1])[name]) for name, value in weights(scripts.folder / "run").items())


def srun(rank: int) -> dict[str, str]:
    """What srun says to one of two tasks on one machine."""
    tasks = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS": "2", "SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)}
    job = {"SLURM_JOB_ID": "4711", "SLURM_JOB_NAME": "train", "SLURM_NODEID": "0", "SLURM_NTASKS_PER_NODE": "2"}
    return tasks | job | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": PORT}


def by_hand(rank: int) -> dict[str, str]:
    """What a user says on each of two machines, here twice the same."""
    return {"NODE_RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": PORT}


PORT = "29471"


@pytest.mark.parametrize(("environment", "overrides"), [(srun, []), (by_hand, ["+trainer.num_nodes=2"])])
def test_commands_on_two_machines_are_one_training(
    scripts: Scripts,
    start: Callable[..., subprocess.Popen[bytes]],
    pair: tuple[Path, Path],
    environment: Callable[[int], dict[str, str]],
    overrides: list[str],
) -> None:
    """By hand, each of the two starts one more process."""
    both = [start(*EVERY_STEP, *overrides, environment=environment(rank)) for rank in range(2)]
    errors = (scripts.folder / "err.txt").read_text
    assert [process.wait(180) for process in both] == [0, 0], errors()
    assert (scripts.folder / "out.txt").read_text().count("test, 8 images") == 1
    assert_alike(pair[1], scripts.folder / "run")


@pytest.mark.parametrize("processes", [2])
def test_bad_input_under_torchrun_is_told_once(
    scripts: Scripts, start: Callable[..., subprocess.Popen[bytes]], processes: int
) -> None:
    launcher = ("-m", "torch.distributed.run", "--nproc-per-node", str(processes))
    shutil.rmtree(scripts.folder / "sets")
    assert start(program=launcher).wait(180) != 0
    errors = (scripts.folder / "err.txt").read_text()
    assert errors.count("error: ") == 1, errors
