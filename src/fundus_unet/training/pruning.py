"""Ends a training that is not worth going on with, as whoever searches settings judges."""

import math
from collections.abc import Callable

from lightning.pytorch import Callback, LightningModule, Trainer

from fundus_unet.core.errors import InputError


class PrunedError(InputError):
    """The training was ended because others are better."""


class Pruning(Callback):
    """Reports a score of every validation, and raises `PrunedError` where the answer is to end.

    Args:
        report: Given the epoch, from 1, and the score, it returns whether to end.
        monitor: The logged score.
    """

    def __init__(self, report: Callable[[int, float], bool], monitor: str = "val/average_precision") -> None:
        self.report = report
        self.monitor = monitor

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        epoch, score = trainer.current_epoch + 1, float(trainer.callback_metrics[self.monitor])
        if math.isfinite(score) and self.report(epoch, score):
            raise PrunedError(f"ended after epoch {epoch}: others were better on validation by then")
