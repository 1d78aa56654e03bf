"""What TensorBoard shows beside the curves: the configuration, and runs compared in the HPARAMS tab."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig, OmegaConf

from fundus_unet.inference.evaluation import NETWORK, REGIONS
from fundus_unet.runs.run_directory import RunDirectory


def log_config(trainer: Trainer, config: DictConfig) -> None:
    """The resolved configuration as text."""
    for logger in _loggers(trainer):
        indented = OmegaConf.to_yaml(config, resolve=True).replace("\n", "\n    ")
        logger.experiment.add_text("config", "    " + indented, 0)


def log_final_metrics(
    trainer: Trainer, run: RunDirectory, config: DictConfig, metrics: dict[str, Any], split: str
) -> None:
    """The choices of a run and its final pooled scores at threshold 0.5, for the HPARAMS tab."""
    # TensorBoard shows the first five by name unless asked for more; the rest of the configuration is its text
    hyperparameters = {key: run.choices.get(key) for key in ("data", "downsampler", "upsampler")} | {
        "lr": config.optimizer.get("lr"),
        "seed": config.seed,
        "widths": str(list(config.model.get("widths") or [])),
    }
    final = {
        f"{split}_{region}/{name}": value
        for region in REGIONS
        for name, value in metrics[region][NETWORK]["pooled"].items()
        if value is not None
    }
    for logger in _loggers(trainer):
        logger.log_hyperparams(hyperparameters, final, step=trainer.global_step)
        logger.save()
        logger.finalize("success")


@contextmanager
def errors_of_writers_raised_once() -> Iterator[None]:
    """TensorBoard writes in a thread; what fails there, on a full disk, is raised at the next event and told then."""
    before = threading.excepthook

    def quiet(error: threading.ExceptHookArgs) -> None:
        if not issubclass(error.exc_type, OSError):
            before(error)

    threading.excepthook = quiet
    try:
        yield
    finally:
        threading.excepthook = before


def _loggers(trainer: Trainer) -> list[TensorBoardLogger]:
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
