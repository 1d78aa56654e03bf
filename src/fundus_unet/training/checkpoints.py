"""Checkpoints of a training run: `best.ckpt` by a validation score, and `last.ckpt` after every epoch.

Each is written beside its place and renamed into it, so that a kill, a full disk or a power cut leaves the one before.
The last but one stays too, as `previous.ckpt`, for the case that the disk itself damages `last.ckpt`.
"""

import errno
import io
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import write_bytes
from fundus_unet.training.training_state import TrainingState

BEST, LAST, PREVIOUS = "best.ckpt", "last.ckpt", "previous.ckpt"
MODES: dict[str, Callable[[float, float], bool]] = {
    "max": lambda new, old: new > old,
    "min": lambda new, old: new < old,
}


class WholeFiles(TorchCheckpointIO):
    """Lightning's checkpoint files, written whole or not at all."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Raise `InputError` where the file cannot be written; the one before is there as it was."""
        path = Path(path)
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        try:
            if path.name == LAST and path.exists():
                _keep(path, path.with_name(PREVIOUS))
            if not path.parent.is_dir():
                raise FileNotFoundError(errno.ENOENT, "its folder was removed", str(path))
            write_bytes(path, buffer.getvalue())
        except OSError as error:
            raise InputError(
                f"the checkpoint {path} cannot be written: {error.strerror or error}",
                expected=f"{len(buffer.getvalue()) / 1e6:.1f} MB of room and the permission to write",
                fix="make room, then continue the run; the checkpoint before is kept",
            ) from error


class RunCheckpoints(Checkpoint):
    """Writes `last.ckpt` after every epoch and `best.ckpt` after every validation that is the best so far.

    Args:
        folder: The run's folder of checkpoints.
        monitor: The logged score that decides, `mode` whether the largest (`max`) or the smallest (`min`) is best.
            A score that is not finite is never best.

    Raises:
        InputError: For another mode, a score that validation does not log, or a file that cannot be written.
    """

    def __init__(self, folder: str | Path, monitor: str = "val/average_precision", mode: str = "max") -> None:
        if mode not in MODES:
            raise InputError(f"unknown mode {mode!r} of the best checkpoint", expected=tuple(MODES), got=mode)
        self.folder = Path(folder)
        self.monitor = monitor
        self.mode = mode
        self.best_score: float | None = None
        self.epochs = 0
        self.resumed: TrainingState | None = None

    def resume(self, state: TrainingState, best_score: float | None) -> None:
        """Have the next training continue from `state`, with what `best.ckpt` reached so far."""
        self.resumed, self.epochs, self.best_score = state, state.epochs, best_score

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if trainer.is_global_zero:
            self.folder.mkdir(exist_ok=True)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.resumed is not None:
            self.resumed.restore(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking:
            return
        scores = trainer.callback_metrics
        if self.monitor not in scores:
            raise InputError(
                f"validation has no score {self.monitor!r} to choose the best checkpoint by",
                expected=f"callbacks.checkpoint.monitor is one of {', '.join(sorted(scores))}",
                fix=did_you_mean(self.monitor, scores),
            )
        score = float(scores[self.monitor])
        if math.isfinite(score) and (self.best_score is None or MODES[self.mode](score, self.best_score)):
            self.best_score = score
            trainer.save_checkpoint(self.folder / BEST, weights_only=False)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.save_checkpoint(self.folder / LAST, weights_only=False)
        self.epochs = trainer.current_epoch + 1

    def state_dict(self) -> dict[str, Any]:
        random = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            random["cuda"] = torch.cuda.get_rng_state()
        return {"best_score": self.best_score, "random": random}


def _keep(path: Path, previous: Path) -> None:
    """`previous` becomes what `path` is, which stays where the disk can give one file two names."""
    link = path.with_name(f".{previous.name}.link")
    with suppress(OSError):
        link.unlink(missing_ok=True)
        link.hardlink_to(path)
        link.replace(previous)
        return
    path.replace(previous)
