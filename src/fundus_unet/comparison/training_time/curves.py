"""What a run's validations say of time and quality."""

from collections.abc import Sequence

from fundus_unet.training.validation_file import Validation

SCORE = "dice"
"""Of all validation pixels in the field of view, at threshold 0.5 and original resolution."""


def seconds_to(validations: Sequence[Validation], target: float) -> float | None:
    """Until the first validation at or above `target` had ended; None where none was. Nothing is interpolated."""
    return next((one.seconds for one in validations if _reached(one.scores.get(SCORE), target)), None)


def score_after(validations: Sequence[Validation], seconds: float) -> float | None:
    """The score of the last validation that had ended by then; None where none had.

    A training that had ended by then keeps its last.
    """
    return final_score([one for one in validations if one.seconds <= seconds])


def final_score(validations: Sequence[Validation]) -> float | None:
    """That of the last validation."""
    return validations[-1].scores.get(SCORE) if validations else None


def _reached(score: float | None, target: float) -> bool:
    return score is not None and score >= target
