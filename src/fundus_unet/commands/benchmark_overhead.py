"""Benchmark a training's overhead: from a configuration to the trainings that are timed."""

import tempfile
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.commands.planned_runs import PlannedRun
from fundus_unet.commands.upsamplers import changed_copy
from fundus_unet.comparison.result import make_folder
from fundus_unet.comparison.training_time.loops import Training
from fundus_unet.comparison.training_time.overhead import Plan, training_overhead
from fundus_unet.core.errors import InputError
from fundus_unet.runs.build import build
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.load import load_preprocessor
from fundus_unet.runs.quiet_libraries import quieten_libraries
from fundus_unet.runs.training_objects import (
    make_datamodule,
    make_segmenter,
    make_trainer,
    patch_workers,
    training_steps,
)
from fundus_unet.training.segmenter import VesselSegmenter

EARLY_STOPPING = "lightning.pytorch.callbacks.EarlyStopping"


def measure_overhead(planned: PlannedRun, out_dir: Path, overhead: DictConfig, console: Console) -> dict[str, Any]:
    """Time short trainings of a planned run's configuration; returns what training_overhead.json holds.

    Raises:
        InputError: Where the configuration or its data cannot be used, or out_dir cannot be made.
    """
    quieten_libraries()
    config = planned.config
    if config.get("budget") is not None:
        raise InputError(
            "budget is for whole trainings, and measure=overhead times short ones",
            got=f"budget={config.budget}",
            fix="leave budget out, or measure=quality",
        )
    short = changed_copy(
        config,
        {"data.steps_per_epoch": overhead.steps, "trainer.limit_train_batches": None, "trainer.max_steps": -1},
    )
    segmenter = make_segmenter(short, trusted=True)
    splits = splits_of(config.data, trusted=True)
    augmentation, preprocessor = build(config.augment, trusted=True), load_preprocessor(config)
    datamodule = make_datamodule(short, splits, preprocessor, augmentation, console)
    plan = _plan(config, len(splits.train), len(splits.val))
    facts = {
        "data": planned.choices.get("data"),
        "network": segmenter.network.describe(),  # type: ignore[operator]
        "upsampler": planned.choices["upsampler"],
        "batch": f"{config.data.batch_size} x {config.data.patch_size} x {config.data.patch_size}",
        "precision": config.trainer.precision,
        "overrides": planned.overrides,
    }
    dtype = "bfloat16" if config.trainer.precision.startswith("bf16") else "float32"
    make_folder(out_dir)
    with tempfile.TemporaryDirectory(dir=out_dir, prefix=".trainings-") as folder:
        training = Training(
            lambda run_dir, epochs, logged, images: _trainer(short, run_dir, epochs, logged, images),
            lambda: _segmenter(short),
            datamodule,
            overhead.steps,
            Path(folder),
        )
        return training_overhead(training, plan, overhead.rounds, dtype, out_dir, console, facts)


def _plan(config: DictConfig, train_images: int, val_images: int) -> Plan:
    epochs, limit = config.trainer.max_epochs, config.trainer.get("limit_val_batches")
    if limit is not None:
        val_images = min(limit, val_images) if isinstance(limit, int) else int(limit * val_images)
    return Plan(
        steps=training_steps(config),
        epochs=epochs,
        validations=epochs // (config.trainer.get("check_val_every_n_epoch") or 1) if val_images else 0,
        images=train_images + val_images,
        validation_images=val_images,
        workers=patch_workers(config),
    )


def _segmenter(config: DictConfig) -> VesselSegmenter:
    return make_segmenter(config, trusted=True)


def _trainer(config: DictConfig, run_dir: Path, epochs: int, logged: bool, validation_images: int) -> Trainer:
    """As training makes it; what would end a training early is left out."""
    changes: dict[str, Any] = {
        "paths.run_dir": str(run_dir),
        "trainer.max_epochs": epochs,
        "trainer.limit_val_batches": validation_images,
        "trainer.check_val_every_n_epoch": 1,
        "trainer.num_sanity_val_steps": 0,
    }
    config = changed_copy(config, changes)
    for name, node in list(config.callbacks.items()):
        unwanted = node is not None and node.get("_target_") == EARLY_STOPPING
        if unwanted or (not logged and name != "checkpoint"):
            config.callbacks[name] = None
    if not logged:
        config.logger = None
    trainer = make_trainer(config, run_dir, trusted=True)
    if trainer.world_size > 1:
        raise InputError(
            "the overhead of several processes is not measured",
            got=f"{trainer.world_size} processes",
            fix="set trainer.devices=1",
        )
    return trainer
