"""`validation.csv` of a run: the scores of every validation, and after how many seconds of training it had them."""

import itertools
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes, read_csv, write_csv

VALIDATION = "validation.csv"
LOGGED = ("val/", "loss/val")
"""Scores that are kept, by the beginning of their logged name."""
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


class ValidationLog(Callback):
    """Adds a line to `path` after every validation.

    A resumed training continues file and seconds; where the state that it continues from does not tell the seconds,
    as in runs of older versions, nothing is written.

    Args:
        path: The file.
        clock: Seconds.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.perf_counter) -> None:
        self.path = path
        self.clock = clock
        self.started: float | None = None
        self._before = 0.0
        self._kept: list[Validation] | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.started = self.clock()
        if trainer.global_step == 0:
            self._kept = []
        elif self._before > 0:
            self._kept = [one for one in read_validations(self.path) if one.step <= trainer.global_step]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or self._kept is None:
            return
        scores = {
            name.removeprefix("val/").replace("loss/val", "loss"): _finite(float(value))
            for name, value in trainer.callback_metrics.items()
            if name.startswith(LOGGED)
        }
        epoch, step = trainer.current_epoch + 1, trainer.global_step
        self._kept.append(Validation(epoch, step, round(self.seconds, 3), scores))
        try:
            write_csv(self.path, rows_of(self._kept))
        except OSError as error:
            raise InputError(
                f"the scores of validation cannot be written: {error.strerror or error}",
                expected="room and the permission to write",
                got=str(self.path),
                fix="make room, then continue the run",
            ) from error

    @property
    def seconds(self) -> float:
        """Of training until now, in all sessions."""
        return self._before + (0.0 if self.started is None else self.clock() - self.started)

    def state_dict(self) -> dict[str, Any]:
        return {"seconds": self.seconds if self._kept is not None else 0.0}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._before = max(0.0, float(state_dict["seconds"]))


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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
