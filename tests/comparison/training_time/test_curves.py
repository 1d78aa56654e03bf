"""Time to a score and a score after a time, from the validations of a run."""

import pytest

from fundus_unet.comparison.training_time.curves import final_score, score_after, seconds_to
from fundus_unet.training.validation_file import Validation

CURVE = [
    Validation(epoch, 10 * epoch, 60.0 * epoch, {"dice": dice})
    for epoch, dice in enumerate([0.70, None, 0.80, 0.78, 0.81], 1)
]


@pytest.mark.parametrize(
    ("target", "seconds"), [(0.5, 60), (0.70, 60), (0.701, 180), (0.80, 180), (0.805, 300), (0.82, None)]
)
def test_the_first_validation_at_or_above_a_target_counts(target: float, seconds: float | None) -> None:
    assert seconds_to(CURVE, target) == seconds


@pytest.mark.parametrize(
    ("seconds", "dice"), [(59.9, None), (60, 0.70), (120, None), (200, 0.80), (240, 0.78), (300, 0.81), (9000, 0.81)]
)
def test_the_last_validation_that_had_ended_counts(seconds: float, dice: float | None) -> None:
    assert score_after(CURVE, seconds) == dice


def test_a_run_without_validations_has_no_scores() -> None:
    assert seconds_to([], 0.5) is None
    assert score_after([], 60) is None
    assert final_score([]) is None
