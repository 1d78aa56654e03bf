"""How long training takes here, per step and per validation: measured on copies, which Lightning trains as it will.

Nothing that is trained later is changed: no weight, no random state, no schedule.
"""

import copy
import gc
import math
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.seed import isolate_rng
from torch.utils.data import Subset

from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.training.checkpoints import LAST, WholeFiles
from fundus_unet.training.run_logger import RunLogger
from fundus_unet.training.segmenter import Batch, VesselSegmenter

FEWEST_BLOCKS = 3
STEPS_AHEAD = 10
"""So many are given to a GPU before it is waited for."""
ENDLESS = 10**6
"""More steps than are ever timed."""
_QUIET = {
    "max_epochs": 1,
    "max_steps": ENDLESS,
    "num_sanity_val_steps": 0,
    "enable_checkpointing": False,
    "enable_model_summary": False,
    "enable_progress_bar": False,
    "use_distributed_sampler": False,
}


@dataclass(frozen=True)
class Timings:
    """Units: seconds, until the first step, of one step, and of one validation with what follows it."""

    start: float
    step: float
    validation: float

    @classmethod
    def slowest(cls, timings: Iterable["Timings"]) -> "Timings":
        """The largest of each."""
        return cls(*map(max, zip(*((one.start, one.step, one.validation) for one in timings), strict=True)))


@dataclass(frozen=True)
class StepTimes:
    """Units: seconds. `blocks` are means of steps in a row, `checkpoint` the writing of one file."""

    start: float
    blocks: tuple[float, ...]
    checkpoint: float

    @property
    def step(self) -> float:
        """The median of the blocks."""
        return median(self.blocks)


def measure(
    model: VesselSegmenter,
    datamodule: FundusDataModule,
    trainer: Mapping[str, Any],
    *,
    seconds: float,
    images: int,
    callbacks: Sequence[Callback] = (),
    writes_events: bool = False,
) -> Timings:
    """Time the training of `model` on `datamodule`, which stay as they are.

    Args:
        trainer: Arguments of Lightning's Trainer.
        seconds: About how long to measure steps, and how long to measure validation.
        images: How many are validated with; 0: none.
        callbacks: That do something in a validation, timed with it.
        writes_events: Whether there is a TensorBoard logger for them.
    """
    validation = 0.0
    if images:
        validation = validation_seconds(
            model, datamodule, trainer, seconds=seconds, images=images, callbacks=callbacks, writes_events=writes_events
        )
    endless = copy.copy(datamodule)
    endless.patches_per_epoch = ENDLESS * datamodule.batch_size
    steps = step_times(model, endless.train_dataloader(), trainer, seconds=seconds, workers=datamodule.workers)
    files = 2 if images else 1  # the last checkpoint, and perhaps a new best one
    return Timings(steps.start, steps.step, validation + files * steps.checkpoint)


def step_times(
    model: VesselSegmenter,
    batches: Iterable[Batch],
    trainer: Mapping[str, Any],
    *,
    seconds: float,
    workers: int = 0,
) -> StepTimes:
    """Train a copy of `model` for about so many seconds, and for some steps at least.

    Args:
        batches: A data loader with more of them than can be used up; `itertools.repeat(batch)` times the bare step.
        trainer: Arguments of Lightning's Trainer.
        workers: Processes that make the batches: each step of a block is another one's.
    """
    with isolate_rng(), TemporaryDirectory() as folder:
        clock = _StepClock(seconds, max(1, workers), 2 * workers + 3, Path(folder) / LAST)
        settings = {**trainer, **_QUIET, "limit_train_batches": None, "limit_val_batches": 0}
        timed = Trainer(**settings, logger=False, callbacks=[clock], plugins=[WholeFiles(), *_alone()])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*no `val_dataloader`.*")
            timed.fit(model.separate_copy(), batches)
    _free()
    return clock.times()


def validation_seconds(
    model: VesselSegmenter,
    datamodule: FundusDataModule,
    trainer: Mapping[str, Any],
    *,
    seconds: float,
    images: int,
    callbacks: Sequence[Callback] = (),
    writes_events: bool = False,
) -> float:
    """Of a validation on `images` of the datamodule's images; arguments as of `measure`.

    Where all of them would take longer than `seconds`, some from all over the set stand for the others.
    """

    def timed(numbers: Sequence[int]) -> float:
        some: Any = copy.copy(datamodule)
        some.val = Subset(datamodule.val, numbers)  # type: ignore[arg-type]
        start = time.perf_counter()
        runner.validate(network, datamodule=some, verbose=False)
        return time.perf_counter() - start

    with isolate_rng(), TemporaryDirectory() as folder:
        logger = RunLogger(folder) if writes_events else False
        runner = Trainer(
            **{**trainer, **_QUIET, "limit_val_batches": None},
            logger=logger,
            callbacks=[*map(copy.copy, callbacks)],
            plugins=_alone(),
        )
        network = model.separate_copy()
        _, one = timed([0]), timed([0])  # the first one imports and allocates
        number = min(images, max(2, int(seconds / one)))  # what one image takes is the difference
        found, each = one, one
        if number > 1:
            found = timed(np.linspace(0, images - 1, number).round().astype(int).tolist())
            each = max(0.0, (found - one) / (number - 1))
        if runner.logger is not None:
            runner.logger.finalize("success")
    _free()
    return found + (images - number) * each


def _alone() -> list[Any]:
    """Plugins of one process, whatever a cluster's variables say of the job that it is in."""
    return [LightningEnvironment()]


class _StepClock(Callback):
    """Stops a training after some blocks of steps; the first steps are no part of them."""

    def __init__(self, seconds: float, block: int, warm_up: int, checkpoint: Path) -> None:
        self.seconds, self.block, self.warm_up, self.path = seconds, block, warm_up, checkpoint
        self.steps, self.ends, self.checkpoint = 0, [], 0.0  # type: ignore[var-annotated]
        self.began = time.perf_counter()

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if pl_module.device.type == "cuda":  # waiting for it after each step would hold it up
            self.block *= math.ceil(STEPS_AHEAD / self.block)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.steps += 1
        if self.steps < self.warm_up or (self.steps - self.warm_up) % self.block:
            return
        if pl_module.device.type == "cuda":
            torch.cuda.synchronize(pl_module.device)
        self.ends.append(time.perf_counter())
        if len(self.ends) > FEWEST_BLOCKS and self.ends[-1] - self.ends[0] >= self.seconds:
            trainer.should_stop = True

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        start = time.perf_counter()
        trainer.save_checkpoint(self.path)
        self.checkpoint = time.perf_counter() - start

    def times(self) -> StepTimes:
        blocks = tuple(float(gap) / self.block for gap in np.diff(self.ends))
        start = self.ends[0] - self.began - self.warm_up * median(blocks)
        return StepTimes(max(0.0, start), blocks, self.checkpoint)


def _free() -> None:
    """The copies, the processes of their loaders and their memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
