"""Writes `validation.csv` while a run trains."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_csv
from fundus_unet.training.validation_file import Validation, read_validations, rows_of

LOGGED = ("val/", "loss/val")
"""Scores that are kept, by the beginning of their logged name."""


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
        if trainer.sanity_checking or self._kept is None or not trainer.is_global_zero:
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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
