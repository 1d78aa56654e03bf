"""What users type is used or refused with a message, whatever it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from faults.attempt import Attempt
from faults.overrides import ACCEPTED, REFUSED, attempts

Survived = Callable[[list[Attempt]], None]


@pytest.mark.slow
def test_random_overrides(tmp_path: Path, survived: Survived) -> None:
    made = attempts(seed=0, count=20, folder=tmp_path)
    survived(made)
    assert {attempt.told.split()[0] for attempt in made} == {ACCEPTED, REFUSED}


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_random_overrides(tmp_path: Path, survived: Survived, seed: int) -> None:
    survived(attempts(seed=seed, count=500, folder=tmp_path))


@pytest.mark.faults
def test_many_random_overrides_of_the_commands_on_data(tmp_path: Path, survived: Survived) -> None:
    survived(attempts(seed=5, count=300, folder=tmp_path, scripts=("prepare_data", "check_data", "cross_dataset")))
