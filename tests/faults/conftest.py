"""The table of attempts and failures that a run of these tests ends with."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from data.layouts import write_chasedb1
from faults.attempt import CORRUPT, HUNG, LOST, OUTSIDE, TRACED, Attempt, failed
from faults.forked import launch
from running import TINY

FAILURES = (LOST, CORRUPT, TRACED, OUTSIDE, HUNG)
_counts: dict[str, Counter[str]] = {}


@pytest.fixture
def survived() -> Callable[[list[Attempt]], None]:
    """Counts attempts for the table, and fails where one of them did."""

    def count(attempts: list[Attempt]) -> None:
        for attempt in attempts:
            kind = attempt.kind.split(",")[0] if not attempt.kind.startswith("full") else attempt.kind
            _counts.setdefault(kind, Counter()).update(["attempts", *([attempt.failure] if attempt.failure else [])])
        assert failed(attempts) == []

    return count


@pytest.fixture
def with_images() -> Callable[[Path], None]:
    """Puts a tiny generated CHASE_DB1 into a folder, as `sets/CHASE_DB1`."""

    def make(folder: Path) -> None:
        write_chasedb1(folder / "sets" / "CHASE_DB1")

    return make


@pytest.fixture
def with_run(with_images: Callable[[Path], None], tmp_path: Path) -> Callable[[Path], None]:
    """Puts a finished run and its images into a folder."""
    template = tmp_path / "template"
    template.mkdir()
    with_images(template)
    process = launch(template, "train", "data=chasedb1", "paths.data_dir=sets", *TINY, "paths.run_dir=run")
    assert process.wait() == 0, process.told

    def make(folder: Path) -> None:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        shutil.rmtree(folder / "run/evaluation")
        (folder / "output.txt").unlink()

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _counts:
        return
    terminalreporter.section("attacks")
    rows = [("attack", "attempts", *FAILURES)]
    for kind, counts in _counts.items():
        rows.append((kind, *(str(counts[name]) for name in ("attempts", *FAILURES))))
    total = sum(_counts.values(), Counter())
    rows.append(("all", *(str(total[name]) for name in ("attempts", *FAILURES))))
    for name, *numbers in rows:
        terminalreporter.write_line(f"{name:<34}" + "".join(f"{number:>11}" for number in numbers))
