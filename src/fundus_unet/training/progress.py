"""How far a training is: a line per epoch, with the time left for the whole run."""

import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from torch import Tensor

from fundus_unet.core.duration import duration

SHOWN = {"val/dice": "val Dice", "val/average_precision": "val AP"}
"""Validation scores by what the line calls them."""


class TrainingProgress(ProgressBar):
    """A line of at most 80 columns for each epoch that has ended, and on a terminal a bar below for the run.

    The loss is the mean over the epoch's training batches.

    Args:
        refresh_rate: Updates of the bar per second; 0: no bar.
    """

    def __init__(self, refresh_rate: int = 1) -> None:
        super().__init__()
        self.refresh_rate = refresh_rate
        self._silent = False
        self._bar: Progress | None = None

    def disable(self) -> None:
        """Lightning's, for processes other than the first."""
        self._silent = True

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._console = Console()
        self._started, self._first = time.monotonic(), trainer.current_epoch * int(trainer.num_training_batches)
        self._shown_at, self._validated = 0.0, False
        if self._console.is_terminal and self.refresh_rate > 0 and not self._silent:
            self._bar = _bar(self._console)
            self._task = self._bar.add_task("", total=self._total(trainer), doing="", left="")
            self._bar.start()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._losses, self._batches, self._validated = 0.0, 0, False
        self._show(trainer, "training")

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._losses = self._losses + outputs["loss"].detach()
        self._batches += 1
        if self._bar is not None and time.monotonic() - self._shown_at > 1 / self.refresh_rate:
            self._show(trainer, f"loss {float(self._losses) / self._batches:.3f}")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._show(trainer, "validating")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._validated = not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._silent:
            return
        epoch, epochs = trainer.current_epoch + 1, trainer.max_epochs
        loss = float(self._losses) / max(1, self._batches)
        words = [f"epoch {epoch:{len(str(epochs))}}/{epochs}", f"loss {loss:.4f}"]
        scores: dict[str, Tensor] = trainer.callback_metrics if self._validated else {}
        words += [f"{title} {float(scores[name]):.4f}" for name, title in SHOWN.items() if name in scores]
        words.append(self._left(trainer) if epoch != epochs else f"in {duration(time.monotonic() - self._started)}")
        self._console.print("  ".join(words), soft_wrap=True, highlight=False)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._stop()

    def _show(self, trainer: Trainer, doing: str) -> None:
        if self._bar is not None:
            self._shown_at = time.monotonic()
            self._bar.update(
                self._task,
                description=f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}",
                completed=self._first + self._done(trainer),
                doing=doing,
                left=self._left(trainer),
                refresh=True,
            )

    def _done(self, trainer: Trainer) -> int:
        """Training batches of this session."""
        return trainer.current_epoch * int(trainer.num_training_batches) - self._first + self._batches

    def _left(self, trainer: Trainer) -> str:
        done = self._done(trainer)
        if not done:
            return ""
        rest = self._total(trainer) - self._first - done
        return f"{duration((time.monotonic() - self._started) / done * max(0, rest))} left"

    def _total(self, trainer: Trainer) -> int:
        """Training batches of the run."""
        batches = int(trainer.num_training_batches) * (trainer.max_epochs or 1)
        most = trainer.max_steps * trainer.accumulate_grad_batches
        return min(batches, most) if most > 0 else batches

    def _stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("batch {task.completed}/{task.total}"),
        TextColumn("{task.fields[doing]}"),
        TextColumn("{task.fields[left]}"),
        console=console,
        transient=True,
        auto_refresh=False,
    )
