"""What loggers are given beside the curves: the configuration, and the final scores by which runs are compared."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from omegaconf import DictConfig, OmegaConf

from fundus_unet.inference.evaluation import NETWORK
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_name import changes, upsampler_name
from fundus_unet.runs.training_objects import training_steps
from fundus_unet.training.mlflow_run import MLflowRun
from fundus_unet.training.wandb_run import WandbRun

FINAL_DICE = "result/final_dice"


def log_config(trainer: Trainer, run: RunDirectory, config: DictConfig) -> None:
    """The resolved configuration: as text for TensorBoard, as settings for the others, which learn what run it is."""
    for logger in trainer.loggers:
        if isinstance(logger, WandbRun | MLflowRun):
            logger.continue_as(run.id)
        if isinstance(logger, TensorBoardLogger):
            indented = OmegaConf.to_yaml(config, resolve=True).replace("\n", "\n    ")
            logger.experiment.add_text("config", "    " + indented, 0)
        else:
            logger.log_hyperparams(plain(config))


def log_final_metrics(
    trainer: Trainer, run: RunDirectory, config: DictConfig, network: str, metrics: dict[str, Any]
) -> None:
    """What the run is and its final Dice, for the HPARAMS tab.

    Args:
        network: In words.
        metrics: Of the final split; pooled in the field of view, at threshold 0.5.
    """
    dice = metrics["field_of_view"][NETWORK]["pooled"]["dice"]
    final = {} if dice is None else {FINAL_DICE: dice}
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.log_hyperparams(_hyperparameters(run, config, network), final, step=trainer.global_step)
        else:
            logger.log_metrics(final, trainer.global_step)
        logger.save()
        logger.finalize("success")
        if isinstance(logger, WandbRun):
            logger.close()


def _hyperparameters(run: RunDirectory, config: DictConfig, network: str) -> dict[str, Any]:
    """By the names of the columns. TensorBoard sorts them, capitals first, and shows the first five until asked."""
    choices, data = run.choices, config.data
    return {
        "Data": choices.get("data"),
        "Network": network,
        "Seed": config.seed,
        "Steps": training_steps(config),
        "Upsampler": upsampler_name(choices, run.overrides),
        "augmentation": choices.get("augment"),
        "batch": data.batch_size,
        "changes": " ".join(changes(run.overrides)),
        "downsampler": choices.get("downsampler"),
        "epochs": config.trainer.max_epochs,
        "loss": choices.get("loss"),
        "lr": config.optimizer.get("lr"),
        "patch": data.patch_size,
    }


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


def loggers_of(trainer: Trainer) -> list[TensorBoardLogger]:
    """Those that write for TensorBoard."""
    return [logger for logger in trainer.loggers if isinstance(logger, TensorBoardLogger)]
