"""`validation.csv` of a run: the scores of every validation, and after how many seconds of training it had them."""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes, read_csv

VALIDATION = "validation.csv"
LARGEST = 2**24  # bytes


@dataclass(frozen=True)
class Validation:
    """What one validation gave.

    Units:
        `epoch` from 1; `step` of the optimizer; `seconds` of training until then, this validation included.
        What a session did after its last whole epoch is trained again by the next one, and counts once.
    """

    epoch: int
    step: int
    seconds: float
    scores: dict[str, float | None]


def rows_of(validations: Iterable[Validation]) -> list[dict[str, Any]]:
    """A line per validation, ready for a table."""
    return [{"epoch": one.epoch, "step": one.step, "seconds": one.seconds} | one.scores for one in validations]


def read_validations(path: Path) -> list[Validation]:
    """What a `ValidationLog` wrote; nothing where there is no file.

    Raises:
        InputError: Which names the file, where it is damaged: it may come from a stranger.
    """
    if not path.exists() and not path.is_symlink():
        return []
    try:
        read_bytes(path, LARGEST)
        found = [_validation(row) for row in read_csv(path)]
        rising = all(a.step <= b.step and a.seconds <= b.seconds for a, b in itertools.pairwise(found))
        if not rising:
            raise ValueError("steps or seconds that fall")
    except (OSError, ValueError, LookupError) as error:
        raise InputError(
            f"{path} is damaged",
            expected="a line per validation: epoch, step, seconds and scores",
            got=str(error)[:200] or type(error).__name__,
            fix="use a run directory as training made it, or delete this file",
        ) from error
    return found


def _validation(row: dict[str, str]) -> Validation:
    values = {name: None if cell == "" else _number(cell) for name, cell in row.items()}
    epoch, step, seconds = (values.pop(name) for name in ("epoch", "step", "seconds"))
    if epoch is None or step is None or seconds is None or min(epoch, step, seconds) < 0:
        raise ValueError(f"a line without its epoch, step or seconds: {row!r:.100}")
    return Validation(int(epoch), int(step), seconds, values)


def _number(cell: str) -> float:
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(f"{cell!r:.50} is no finite number")
    return value
