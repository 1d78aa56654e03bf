"""A damaged or hostile run directory is refused in one message, or used as far as it is sound."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.attempt import Attempt
from faults.damaged_runs import attempts


@pytest.mark.faults
@pytest.mark.parametrize("seed", [1, 2])
def test_many_damaged_runs(tmp_path: Path, survived: Callable[[list[Attempt]], None], seed: int) -> None:
    survived(attempts(seed, 250, tmp_path))
