"""What users type is used or refused with a message, whatever it is."""

from pathlib import Path

import pytest

from faults.overrides import FAILURES, Attempt, attempts


def told(attempt: Attempt) -> str:
    return f"{attempt.script} {list(attempt.overrides)}: {attempt.outcome}\n{attempt.detail}"


def check(made: list[Attempt]) -> None:
    failed = [told(attempt) for attempt in made if attempt.outcome in FAILURES]
    assert not failed, f"{len(failed)} of {len(made)}\n" + "\n\n".join(failed[:20])


def test_no_override_ends_in_a_traceback(tmp_path: Path) -> None:
    made = attempts(seed=0, count=40, folder=tmp_path)
    check(made)
    assert len({attempt.outcome for attempt in made}) == 2  # some are used, others refused


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(1, 5))
def test_no_override_of_many_ends_in_a_traceback(tmp_path: Path, seed: int) -> None:
    check(attempts(seed=seed, count=500, folder=tmp_path))
