"""A real training, with validation, figures and checkpoints, as Lightning's profiler sees it."""

import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import torch
from lightning.pytorch.profilers import Profiler

from fundus_unet.comparison.training_time.bare_step import wait_for
from fundus_unet.comparison.training_time.loops import Training
from fundus_unet.data.images.preprocessing import probability_at

EPOCHS = 3
VALIDATED = 4
"""Validation images at most."""
REPEATS = 3
ONCE_A_VALIDATION = {
    "figures": ("PredictionFigures.on_validation_batch_end", "PredictionFigures.on_validation_epoch_end"),
    "scores from counts": ("VesselSegmenter.on_validation_epoch_end",),
    "validation.csv": ("ValidationLog.on_validation_end",),
    "best.ckpt, where it is the best": ("RunCheckpoints.on_validation_end",),
}
"""Parts by what they are called, and the ends of the names that Lightning has for them."""


class ActionTimes(Profiler):
    """The seconds of every call that Lightning tells of, by action."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self._begun: dict[str, float] = {}

    def start(self, action_name: str) -> None:
        self._begun[action_name] = time.perf_counter()

    def stop(self, action_name: str) -> None:
        self.seconds[action_name].append(time.perf_counter() - self._begun.pop(action_name))

    def of(self, ending: str) -> list[float]:
        """Of the actions whose name ends so."""
        return [one for action, times in self.seconds.items() if action.endswith(ending) for one in times]


def profiled(training: Training) -> tuple[dict[str, float], dict[str, float], float]:
    """Train a few epochs.

    Returns:
        Seconds per validation by part; seconds per epoch by part; seconds that a step waits for its batch.
    """
    images = min(VALIDATED, len(training.datamodule.val))
    times = ActionTimes()
    with tempfile.TemporaryDirectory(dir=training.folder) as folder:
        trainer = training.trainer(Path(folder), EPOCHS, True, images)
        trainer.profiler = times  # type: ignore[attr-defined]
        training.fit(trainer, training.datamodule)
    validations = max(1, len(times.of("VesselSegmenter.on_validation_epoch_end")))
    of_validation = {}
    for part, endings in ONCE_A_VALIDATION.items():
        if seconds := sum(_usual(times.of(ending), validations) for ending in endings):
            of_validation[part] = seconds
    of_epoch = {"last.ckpt": _usual(times.of("RunCheckpoints.on_train_epoch_end"), EPOCHS)}
    waits = times.of("train_dataloader_next")
    return of_validation, of_epoch, statistics.fmean(waits) if waits else 0.0


def validation_image_seconds(training: Training) -> dict[str, float]:
    """Seconds per validation image: its tensors, the forward pass, and scoring it at original resolution."""
    segmenter = training.segmenter()
    trainer = training.trainer(training.folder, 1, False, 0)
    device = trainer.strategy.root_device
    segmenter = segmenter.to(device).eval()
    seconds: dict[str, list[float]] = {"tensors of images": [], "forward": [], "scoring": []}
    parts = list(seconds)
    loader = training.datamodule.val_dataloader()
    for _ in range(REPEATS + 1):
        marks = [time.perf_counter()]
        batch = {name: value.to(device) for name, value in next(iter(loader)).items()}
        marks.append(_now(device))
        with torch.inference_mode():
            with trainer.precision_plugin.forward_context():
                logits = segmenter(batch["image"])
            marks.append(_now(device))
            region = batch["original_field_of_view"]
            probability = probability_at(logits, (region.shape[-2], region.shape[-1]), region)
            segmenter.val_scores.update(probability, batch["original_label"], region)
        marks.append(_now(device))
        for part, start, end in zip(parts, marks, marks[1:], strict=False):
            seconds[part].append(end - start)
    return {part: statistics.median(times[1:]) for part, times in seconds.items()}


def _now(device: torch.device) -> float:
    wait_for(device)
    return time.perf_counter()


def _usual(seconds: list[float], times: int) -> float:
    """Per `times`, of which the first takes longer: median of equal parts."""
    if not seconds:
        return 0.0
    each = len(seconds) // times
    return statistics.median(sum(seconds[number * each : (number + 1) * each]) for number in range(times))
