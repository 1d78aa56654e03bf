"""The objects of a training run, made from its configuration."""

import math
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.runs.build import build, build_network
from fundus_unet.runs.device import uses_gpu
from fundus_unet.runs.processes import check_processes, processes_settings
from fundus_unet.training.batch_check import check_batch
from fundus_unet.training.checkpoints import WholeFiles
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.training.signals import SignalsAsBefore
from fundus_unet.training.validation_file import VALIDATION
from fundus_unet.training.validation_log import ValidationLog

CHECKPOINT_FOLDER = "checkpoints"
WORKERS_BESIDE_A_GPU = 4


def make_datamodule(
    config: DictConfig,
    splits: Splits,
    preprocessor: Preprocessor,
    augmentation: Augmentation,
    console: Console,
    processes: int = 1,
) -> FundusDataModule:
    """Decode the images of training and validation.

    Args:
        processes: So many of the training share this machine.
    """
    train, val = (
        _loaded(cases, preprocessor, config.data.memory_limit_gb, name, console)
        for name, cases in (("training", splits.train), ("validation", splits.val))
    )
    return FundusDataModule(
        train,
        val,
        augmentation,
        patch_size=config.data.patch_size,
        batch_size=config.data.batch_size,
        steps_per_epoch=config.data.steps_per_epoch,
        workers=patch_workers(config, processes),
        seed=config.seed,
    )


def patch_workers(config: DictConfig, processes: int = 1) -> int:
    """How many workers make patches for each process; chosen by the device where the configuration leaves it open.

    Next to a GPU the processor is free for them. On a CPU the training has a thread on every core, and all wait for the
    one that is interrupted: a process that needs 4 ms for a batch made a step of 50 ms take 65 on two cores.
    """
    if config.data.workers is not None:
        return int(config.data.workers)
    cores = (os.cpu_count() or 1) // processes
    return min(WORKERS_BESIDE_A_GPU, max(1, cores - 1)) if uses_gpu(config.trainer.accelerator) else 0


def make_segmenter(config: DictConfig, trusted: bool) -> VesselSegmenter:
    """Network, loss, optimizer and schedule; the network's weights depend on the seed alone.

    Raises:
        InputError: Where one of them cannot be made, the schedule does not fit the number of steps, or the network
            cannot take a batch.
    """
    torch.manual_seed(config.seed)
    segmenter = VesselSegmenter(
        build_network(config.model, trusted=trusted),
        build(config.loss, trusted=trusted),
        build(config.optimizer, trusted=trusted),
        build(config.scheduler, trusted=trusted),
        VesselScores(),
        channels_last=config.channels_last,
    )
    segmenter.plan_steps(training_steps(config))
    check_batch(segmenter, config.data.batch_size, config.data.patch_size)
    return segmenter


def training_steps(config: DictConfig) -> int:
    """How many steps of the optimizer there will be, as Lightning counts them.

    Raises:
        InputError: Where `trainer.limit_train_batches` is neither a number of batches nor a share of them.
    """
    trainer = config.trainer
    name = "overfit_batches" if trainer.get("overfit_batches") else "limit_train_batches"
    batches = _batches(config.data.steps_per_epoch, trainer.get(name), name)
    steps = math.ceil(batches / trainer.get("accumulate_grad_batches", 1)) * trainer.max_epochs
    most = trainer.get("max_steps", -1)
    return int(steps if most == -1 else min(steps, most))


def _batches(per_epoch: int, limit: Any, name: str) -> int:
    if limit is None:
        return per_epoch
    if isinstance(limit, float) and 0 < limit <= 1 and int(per_epoch * limit):
        return int(per_epoch * limit)
    if isinstance(limit, int) and limit > 0:
        return min(limit, per_epoch)
    raise InputError(
        f"trainer.{name} cannot be used",
        expected="a number of batches from 1, a share of them such as 0.5, or null",
        got=limit,
    )


def make_trainer(config: DictConfig, run_dir: Path, trusted: bool, more: Sequence[Callback] = ()) -> Trainer:
    """The trainer of this process, which writes to `run_dir` and to what the user's own callbacks and loggers say.

    Args:
        more: Callbacks that the configuration does not name.

    Raises:
        InputError: For settings that it does not take, or processes that cannot share a batch or were not started.
    """
    nodes = {str(name): node for name, node in config.callbacks.items() if node is not None}
    if "checkpoint" not in nodes:
        raise InputError(
            "callbacks.checkpoint cannot be null",
            expected="a callback that writes best.ckpt and last.ckpt, without which a run cannot be used",
            fix="leave callbacks.checkpoint as it is",
        )
    callbacks = [build(node, trusted=trusted) for name, node in nodes.items() if name != "checkpoint"]
    callbacks.append(SignalsAsBefore())
    callbacks.append(ValidationLog(run_dir / VALIDATION))
    callbacks += more
    callbacks.append(build(nodes["checkpoint"], trusted=trusted)(folder=run_dir / CHECKPOINT_FOLDER))
    logger = build(config.logger, trusted=trusted) if config.logger else False
    settings: dict[str, Any] = {"enable_progress_bar": "progress" in nodes, **processes_settings(config.trainer)}
    plugins = [WholeFiles(), *settings.pop("plugins")]
    try:
        # patches are already split among processes, by their number
        trainer = Trainer(
            **settings,
            callbacks=callbacks,
            logger=logger,
            plugins=plugins,
            use_distributed_sampler=False,
            default_root_dir=run_dir,
        )
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise InputError(f"the trainer cannot be made: {error}", fix="check the settings trainer.*") from error
    check_processes(trainer, config.data.batch_size)
    return trainer


def _loaded(
    cases: tuple[Case, ...], preprocessor: Preprocessor, memory_limit_gb: float, name: str, console: Console
) -> ImageStore:
    store = ImageStore(cases, preprocessor, memory_limit_gb)
    store.load(partial(shown, description=f"reading {name} images", console=console))
    console.print(f"{name}: {store.describe()}", highlight=False)
    return store


def shown(cases: Sequence[Case], description: str, console: Console) -> Iterable[Case]:
    """The cases, with a bar on a terminal while they are gone through."""
    return track(cases, description, console=console, transient=True, disable=not console.is_terminal)
