"""What is kept for the next time is used where it is sound, and made again where somebody has changed it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.attempt import Attempt
from faults.kept_results import of_checks, of_counts

Survived = Callable[[list[Attempt]], None]


def test_changed_results(tmp_path: Path, survived: Survived) -> None:
    survived(of_counts(0, 30, tmp_path / "counts"))
    survived(of_checks(0, 200, tmp_path / "checks"))


@pytest.mark.faults
def test_many_changed_results(tmp_path: Path, survived: Survived) -> None:
    survived(of_counts(1, 1500, tmp_path / "counts"))
    survived(of_checks(1, 4000, tmp_path / "checks"))
