"""The progress bar of training."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar


class TrainingProgress(RichProgressBar):
    """Lightning's Rich bar, one line per epoch, without the logger's version number."""

    def __init__(self, refresh_rate: int = 5) -> None:
        super().__init__(refresh_rate=refresh_rate, leave=True)

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        metrics = super().get_metrics(trainer, pl_module)
        shown = {"train/loss": "loss", "val/dice": "Dice", "val/average_precision": "AP"}
        return {short: metrics[name] for name, short in shown.items() if name in metrics}
