"""`last`: the newest run by its recorded start, finished where that is needed, and told."""

import json
import os
from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.runs.last_run import named_run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_run(name: str, created: str | None, *, finished: bool = True) -> None:
    folder = Path("runs") / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("seed: 0\n")
    (folder / "run.json").write_text(json.dumps({"created": created}))
    if finished:
        (folder / "threshold.json").write_text("{}")


def last(finished: bool = True) -> str:
    return named_run("run_dir", "last", "runs", finished=finished)


def test_a_path_is_taken_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert named_run("run_dir", "runs/none", "runs") == "runs/none"
    assert capsys.readouterr().out == ""


def test_the_newest_start_counts_whatever_its_name_or_folder(capsys: pytest.CaptureFixture[str]) -> None:
    make_run("z", "2026-01-01T10:00:00")
    make_run("multirun/a", "2026-01-03T10:00:00")
    make_run("b", "2026-01-02T10:00:00")
    os.utime("runs/z/run.json")  # touched last
    assert last() == "runs/multirun/a"
    assert capsys.readouterr().out == "run_dir=last is runs/multirun/a\n"


def test_within_one_second_the_later_file_counts() -> None:
    for name, time in (("a", 1_000), ("b", 3_000), ("c", 2_000)):
        make_run(name, "2026-01-01T10:00:00")
        os.utime(f"runs/{name}/run.json", ns=(time, time))
    assert last() == "runs/b"


def test_an_unfinished_run_is_passed_over_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    make_run("old", "2026-01-01T10:00:00")
    make_run("new", "2026-01-02T10:00:00", finished=False)
    assert last() == "runs/old"
    assert capsys.readouterr().out == "run_dir=last is runs/old (runs/new is newer, and not finished)\n"
    assert last(finished=False) == "runs/new"


def test_what_does_not_say_when_it_was_started_is_no_candidate() -> None:
    make_run("old", "2026-01-01T10:00:00")
    make_run("unknown", None)
    make_run("damaged", "2026-01-05T10:00:00")
    Path("runs/damaged/run.json").write_text("{")
    make_run("old/copy", "2026-01-06T10:00:00")  # inside a run
    assert last() == "runs/old"


def test_no_run_is_an_error_that_says_where_it_was_looked_for() -> None:
    with pytest.raises(InputError, match=r"there is no run for run_dir=last[\s\S]*below runs \(paths.runs_dir\)"):
        last()
    make_run("new", "2026-01-02T10:00:00", finished=False)
    with pytest.raises(InputError, match=r"there is no finished run[\s\S]*train resume=last"):
        last()
