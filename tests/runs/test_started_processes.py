"""Other processes of a training are watched, and never outlive the first one."""

import threading
from pathlib import Path

import pytest

from fundus_unet.runs import started_processes
from fundus_unet.runs.started_processes import StartedProcesses


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Starts processes that run a text, given the plan {"number": 7}; what they are given up with is in `told`."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(started_processes, "MODULE", "other_process")
    monkeypatch.setattr(started_processes, "PATIENCE", 0.5)
    started: list[StartedProcesses] = []

    def call(program: str, count: int = 1, told=lambda ended: None) -> StartedProcesses:
        (tmp_path / "other_process.py").write_text(f"import json, os, sys, time\n{program}\n")
        started.append(StartedProcesses({"number": 7}, count, "127.0.0.1", 1, 0, told))
        return started[-1]

    yield call
    for processes in started:
        processes.end(orderly=False)


def test_one_that_fails_is_named_with_its_last_words(start) -> None:
    given_up, told = threading.Event(), []

    def give_up(ended: str) -> None:
        told.append(ended)
        given_up.set()

    plan = "plan = json.loads(sys.stdin.readline())"
    last = "os.environ['LOCAL_RANK'] == '2' and sys.exit(f'no memory for {plan}')\ntime.sleep(60)"
    processes = start(f"{plan}\n{last}", 2, give_up)
    ended = "process 3 of 3 on this machine ended with exit code 1: no memory for {'number': 7}"
    assert processes.find_ended(30) == ended
    assert given_up.wait(30), "this process did not notice, so it is given up"
    assert told[0] == ended


def test_they_are_told_when_they_are_needed_no_more(start, tmp_path: Path) -> None:
    told = f"open({str(tmp_path / 'told')!r} + os.environ['LOCAL_RANK'], 'w').write(sys.stdin.readline())"
    start(f"sys.stdin.readline()\n{told}", 2).end(orderly=True)
    assert [(tmp_path / f"told{number}").read_text() for number in (1, 2)] == ["end\n", "end\n"]


@pytest.mark.parametrize("orderly", [True, False])
def test_one_that_does_not_end_is_ended(start, orderly: bool) -> None:
    processes = start("time.sleep(600)")
    processes.end(orderly=orderly)
    assert processes.ended is None
    assert [process.returncode for process in processes._processes] == [-9]
