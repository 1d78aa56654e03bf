"""Short trainings that are timed: the bare step, and around it more and more of what a training does."""

import contextlib
import io
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from torch import Tensor

from fundus_unet.comparison.training_time.bare_step import PARTS, BareStep, wait_for
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.training.segmenter import VesselSegmenter

SKIPPED = 5
"""The first steps of a loop, before it runs evenly."""
BATCHES_IN_MEMORY = 4


class StepTime(NamedTuple):
    """Of one step, the mean over a loop.

    Units: seconds on the wall, and of the processor: that of all threads of this process, and of no other process, so
    that it hardly depends on what else the machine does.
    """

    wall: float
    processor: float

    @classmethod
    def now(cls) -> "StepTime":
        """By clocks whose differences count."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, start: "StepTime", steps: int) -> "StepTime":
        """Of each of the steps in between."""
        return StepTime((self.wall - start.wall) / steps, (self.processor - start.processor) / steps)


@dataclass(frozen=True)
class Training:
    """What a training is made of, as often as it is timed.

    Args:
        trainer: `(run directory, epochs, whether with logger and callbacks, validation images)` -> a trainer.
        datamodule: With so many batches per epoch as one loop has steps.
        folder: For what the trainings write.
    """

    trainer: Callable[[Path, int, bool, int], Trainer]
    segmenter: Callable[[], VesselSegmenter]
    datamodule: FundusDataModule
    steps: int
    folder: Path

    def bare(self) -> BareStep:
        """The bare step on a batch of its patches, warmed up."""
        step = BareStep(self.segmenter(), self.trainer(self.folder, 1, False, 0), self.batches(1)[0])
        for _ in range(SKIPPED):
            step()
        return step

    def batches(self, number: int) -> list[dict[str, Tensor]]:
        """The first batches of training."""
        return [batch for _, batch in zip(range(number), self.datamodule.train_dataloader(), strict=False)]

    def fit(self, trainer: Trainer, datamodule: LightningDataModule) -> None:
        """Train a new network; an interruption is one, although Lightning exits for it.

        What it says goes to a terminal that nobody sees, so that its progress costs what it does on one.
        """
        for logger in trainer.loggers:
            getattr(logger, "experiment", None)  # makes it, which a training does before its first step
        try:
            with contextlib.redirect_stdout(_UnseenTerminal()):
                trainer.fit(self.segmenter(), datamodule)
        except SystemExit as stop:
            raise KeyboardInterrupt from stop

    def loop_time(self, *, logged: bool, patches: bool) -> StepTime:
        """A step of one loop.

        Args:
            logged: Whether with logger, progress and the other callbacks.
            patches: Whether patches are made while it runs; else batches lie in memory.
        """
        data: LightningDataModule = (
            self.datamodule if patches else _InMemory(self.batches(BATCHES_IN_MEMORY), self.steps)
        )
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            trainer, clock = self.trainer(Path(folder), 1, logged, 0), StepClock()
            trainer.callbacks.append(clock)  # type: ignore[attr-defined]
            self.fit(trainer, data)
        return clock.step_time()


class _UnseenTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class StepClock(Callback):
    """When each step of an epoch began."""

    def __init__(self) -> None:
        self.begun: list[StepTime] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if batch_idx in (SKIPPED, int(trainer.num_training_batches) - 1):
            wait_for(pl_module.device)
        self.begun.append(StepTime.now())

    def step_time(self) -> StepTime:
        """From the first step that is not skipped to the beginning of the last."""
        return self.begun[-1].since(self.begun[SKIPPED], len(self.begun) - 1 - SKIPPED)


class _InMemory(LightningDataModule):
    """A few batches again and again."""

    def __init__(self, batches: Sequence[dict[str, Tensor]], steps: int) -> None:
        super().__init__()
        self.batches, self.steps = batches, steps

    def train_dataloader(self) -> "_Repeated":
        return _Repeated(self.batches, self.steps)

    def val_dataloader(self) -> "_Repeated":
        return _Repeated(self.batches, 0)


class _Repeated:
    """What Lightning takes for a data loader; a list would be several."""

    def __init__(self, batches: Sequence[dict[str, Tensor]], steps: int) -> None:
        self.batches, self.steps = batches, steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        return itertools.islice(itertools.cycle(self.batches), self.steps)


def bare_time(step: BareStep, steps: int) -> StepTime:
    """A bare step, over as many as are counted of a loop."""
    wait_for(step.device)
    start = StepTime.now()
    for _ in range(steps - SKIPPED):
        step()
    wait_for(step.device)
    return StepTime.now().since(start, steps - SKIPPED)


def parts_of_bare_step(step: BareStep, steps: int) -> dict[str, float]:
    """Median seconds of each part of the bare step; where an accelerator computes, each part is waited for."""
    seconds: dict[str, list[float]] = {part: [] for part in PARTS}
    last = time.perf_counter()

    def mark(part: str) -> None:
        nonlocal last
        wait_for(step.device)
        now = time.perf_counter()
        seconds[part].append(now - last)
        last = now

    for _ in range(steps):
        last = time.perf_counter()
        step(mark)
    share = {part: len(times) / steps for part, times in seconds.items()}
    return {part: statistics.median(times) * share[part] for part, times in seconds.items() if times}
