"""The objects of a training run, made from its configuration."""

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from omegaconf import DictConfig
from rich.console import Console
from rich.progress import track

from fundus_unet.app.build import build
from fundus_unet.app.load import load_preprocessor
from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.datamodule import FundusDataModule
from fundus_unet.data.preprocess import Preprocessor
from fundus_unet.data.store import PhotographStore
from fundus_unet.metrics.field_of_view import VesselScores
from fundus_unet.training.segmenter import VesselSegmenter


def make_datamodule(config: DictConfig, splits: Splits, trusted: bool, console: Console) -> FundusDataModule:
    """Decode the photographs of training and validation."""
    preprocessor = load_preprocessor(config)
    stores = {}
    for name, cases in (("training", splits.train), ("validation", splits.val)):
        stores[name] = _loaded(cases, preprocessor, config.data.memory_limit_gb, name, console)
    return FundusDataModule(
        stores["training"],
        stores["validation"],
        build(config.augment, trusted=trusted),
        patch_size=config.data.patch_size,
        batch_size=config.data.batch_size,
        steps_per_epoch=config.data.steps_per_epoch,
        workers=config.data.workers,
        seed=config.seed,
    )


def make_model(config: DictConfig, trusted: bool) -> VesselSegmenter:
    """Network, loss, optimizer and schedule; the network's weights depend on the seed alone."""
    objective = config.objective
    torch.manual_seed(config.seed)
    return VesselSegmenter(
        build(config.model, trusted=trusted),
        build(objective.loss, trusted=trusted),
        build(objective.optimizer, trusted=trusted),
        build(objective.scheduler, trusted=trusted),
        VesselScores(),
        channels_last=objective.channels_last,
    )


def make_trainer(config: DictConfig, trusted: bool) -> Trainer:
    callbacks = [build(node, trusted=trusted) for node in config.callbacks.values() if node is not None]
    logger = build(config.logger, trusted=trusted) if config.logger else False
    try:
        # patches are already split among processes, by draw number
        return Trainer(**config.trainer, callbacks=callbacks, logger=logger, use_distributed_sampler=False)
    except (MisconfigurationException, TypeError, ValueError) as error:
        raise InputError(f"the trainer cannot be made: {error}", fix="check the settings trainer.*") from error


def _loaded(
    cases: tuple[Case, ...], preprocessor: Preprocessor, memory_limit_gb: float, name: str, console: Console
) -> PhotographStore:
    store = PhotographStore(cases, preprocessor, memory_limit_gb)
    store.load(lambda photographs: track(photographs, f"reading {name} photographs", console=console, transient=True))
    console.print(f"{name}: {store.describe()}", highlight=False)
    return store
