"""An archive is unpacked or refused with a message, whatever is in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.archives import damaged, hostile
from faults.attempt import Attempt

Survived = Callable[[list[Attempt]], None]


def test_archives_that_are_made_to_do_harm(tmp_path: Path, survived: Survived) -> None:
    survived(hostile(tmp_path))


def test_damaged_archives(tmp_path: Path, survived: Survived) -> None:
    survived(damaged(0, 150, tmp_path))


@pytest.mark.faults
def test_many_damaged_archives(tmp_path: Path, survived: Survived) -> None:
    survived(damaged(1, 10_000, tmp_path))
