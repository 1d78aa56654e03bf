"""TensorBoard's events of a run."""

from collections.abc import Mapping
from pathlib import Path

from lightning.fabric.loggers.tensorboard import TensorBoardLogger as FabricLogger
from lightning.pytorch.loggers import TensorBoardLogger


class RunLogger(TensorBoardLogger):
    """Writes into the run directory itself, so that TensorBoard calls the run as the directory is called.

    Lightning's `epoch` is left out, which would be the first of all curves, and so is its `hparams.yaml`: the run has
    its `config.yaml`.

    Args:
        save_dir: The run directory.
    """

    def __init__(self, save_dir: str | Path) -> None:
        super().__init__(save_dir, name="", version="", default_hp_metric=False)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        super().log_metrics({name: value for name, value in metrics.items() if name != "epoch"}, step)

    def save(self) -> None:
        FabricLogger.save(self)
