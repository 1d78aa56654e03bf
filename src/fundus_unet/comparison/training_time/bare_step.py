"""The bare step of a training: what must be computed for a batch that lies in memory, and nothing else."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn

from fundus_unet.training.segmenter import VesselSegmenter

Mark = Callable[[str], None]
"""Told the name of each part when it ends."""
PARTS = ("forward", "loss", "backward", "gradient clipping", "optimizer")


class BareStep:
    """Forward, loss, backward, gradient clipping and optimizer, as a trainer has them done.

    Args:
        segmenter: Its network and loss are moved to the trainer's device and trained.
        trainer: Gives device, precision and clipping; it runs nothing.
        batch: As the data loader gives it.
    """

    def __init__(self, segmenter: VesselSegmenter, trainer: Trainer, batch: Mapping[str, Tensor]) -> None:
        self.device = trainer.strategy.root_device
        self.segmenter = segmenter.to(self.device).train()
        self.precision: Any = trainer.precision_plugin
        self.batch = {name: value.to(self.device) for name, value in batch.items()}
        self.clip, self.by_value = trainer.gradient_clip_val, trainer.gradient_clip_algorithm == "value"
        self.accumulated, self.done = trainer.accumulate_grad_batches, 0
        self.optimizer = segmenter.make_optimizer(segmenter.network.parameters())

    def __call__(self, mark: Mark = lambda part: None) -> None:
        batch = self.batch
        with self.precision.forward_context():
            logits = self.segmenter(batch["image"])
            mark("forward")
            value = self.segmenter.loss(logits, batch["label"], batch["field_of_view"])
        loss = value if isinstance(value, Tensor) else value["loss"]
        mark("loss")
        loss.backward()
        mark("backward")
        self.done += 1
        if self.done % self.accumulated == 0:
            self._clip()
            mark("gradient clipping")
            self.optimizer.step()
            self.optimizer.zero_grad()
            mark("optimizer")

    def _clip(self) -> None:
        if self.clip:
            clip = nn.utils.clip_grad_value_ if self.by_value else nn.utils.clip_grad_norm_
            clip(self.segmenter.network.parameters(), self.clip)


def wait_for(device: torch.device) -> None:
    """Until the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
