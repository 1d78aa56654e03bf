"""The Lightning module that trains a vessel segmentation network."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import probability_at
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.training.whole_batch import are_several, whole_batch

Batch = dict[str, Tensor]


class DivergedError(InputError):
    """Training went to values that are not finite."""


class VesselSegmenter(LightningModule):
    """Trains the network it is given with the loss it is given, and scores it at the original resolution.

    Args:
        network: Maps (B, 3, H, W) to logits (B, 1, H, W).
        loss: Maps (logits, label, region), each (B, 1, H, W), to a scalar, or to scalars by name, `loss` among them.
        optimizer: Called with the parameters.
        scheduler: Called with the optimizer and `total_steps`.
        val_scores: Accumulates the validation images in the field of view.

    Raises:
        InputError: From a step whose loss is none of these.
        DivergedError: From validation where logits are not finite.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: nn.Module,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        scheduler: Callable[..., LRScheduler],
        val_scores: VesselScores,
        channels_last: bool = True,
    ) -> None:
        super().__init__()
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = network.to(memory_format=self.memory_format)
        self.loss = loss
        self.val_scores = val_scores
        self.make_optimizer = optimizer
        self.make_scheduler = scheduler
        self._planned: tuple[int, Optimizer, LRScheduler] | None = None
        self._val_losses: dict[str, Tensor] = {}
        self._val_images = 0

    def separate_copy(self) -> "VesselSegmenter":
        """One of the same weights, which is trained by itself: with an optimizer and a schedule of its own."""
        return VesselSegmenter(
            copy.deepcopy(self.network),
            copy.deepcopy(self.loss),
            self.make_optimizer,
            self.make_scheduler,
            copy.deepcopy(self.val_scores),
            channels_last=self.memory_format == torch.channels_last,
        )

    def forward(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> logits (B, 1, H, W)."""
        return self.network(image.contiguous(memory_format=self.memory_format))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        logits, label, region = whole_batch(self(batch["image"]), batch["label"], batch["field_of_view"])
        parts = _parts_of(self.loss(logits, label, region), self.loss)
        if self._is_logged_step():
            for name, value in parts.items():
                self.log(_title("train", name), value, on_step=True, on_epoch=False, batch_size=len(logits))
        return parts["loss"]

    def _is_logged_step(self) -> bool:
        """Whether loggers write this training step or callbacks look at it; logging others costs time for nothing."""
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]
        return (self.global_step + 1) % every == 0 or self.trainer.is_last_batch

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Returns the probability at the original resolution, (B, 1, H, W)."""
        logits = self(batch["image"])
        finite = bool(torch.isfinite(logits).all())
        if not self.trainer.strategy.reduce_boolean_decision(finite, all=True):
            raise DivergedError(
                f"training diverged: the network gives logits that are not finite after step {self.global_step}",
                expected="finite logits",
                fix="lower optimizer.lr, or set trainer.precision=32-true",
            )
        region = batch["original_field_of_view"]
        size = (region.shape[-2], region.shape[-1])
        probability = probability_at(logits, size, region)
        if bool(batch["counts"].all()):
            self.val_scores.update(probability, batch["original_label"], region)
            parts = _parts_of(self.loss(logits, batch["label"], batch["field_of_view"]), self.loss)
            self._val_images += 1
            for name, value in parts.items():
                exact = value.to(torch.promote_types(value.dtype, torch.float32))
                self._val_losses[name] = self._val_losses[name] + exact if name in self._val_losses else exact
        return probability

    def on_validation_epoch_end(self) -> None:
        for name, value in self._mean_val_losses().items():
            self.log(_title("val", name), value)
        for name, value in self.val_scores.compute().items():
            self.log(f"val/{name}", value)

    def on_validation_epoch_start(self) -> None:
        self.val_scores.reset()
        self._val_losses, self._val_images = {}, 0

    def _mean_val_losses(self) -> dict[str, Tensor]:
        """Over the images of all processes, of which some may have had none."""
        if not are_several():
            return {name: total / self._val_images for name, total in self._val_losses.items()}
        found: list[tuple[int, dict[str, float]] | None] = [None] * dist.get_world_size()
        own = {name: float(total) for name, total in self._val_losses.items()}
        dist.all_gather_object(found, (self._val_images, own))
        parts = [part for part in found if part is not None]
        images = sum(count for count, _ in parts)
        return {
            name: torch.tensor(sum(losses.get(name, 0.0) for _, losses in parts) / images, device=self.device)
            for name in parts[0][1]
        }

    def configure_optimizers(self) -> Any:
        optimizer, scheduler = self.plan_steps(int(self.trainer.estimated_stepping_batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    def plan_steps(self, total_steps: int) -> tuple[Optimizer, LRScheduler]:
        """The optimizer and the schedule for so many training steps; asked for again, the same ones.

        Raises:
            InputError: Where their settings cannot be used, or the schedule does not fit the number of steps.
        """
        if self._planned is not None and self._planned[0] == total_steps:
            return self._planned[1:]
        try:
            optimizer = self.make_optimizer(self.network.parameters())
            scheduler = self.make_scheduler(optimizer, total_steps=total_steps)
        except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
            raise InputError(
                f"optimizer and scheduler cannot be made for {total_steps} training steps: {error}",
                expected="settings that their classes take; so many steps that the warm-up (pct_start) has two or more",
                fix="check optimizer and scheduler, or train longer (trainer.max_epochs)",
            ) from error
        self._planned = total_steps, optimizer, scheduler
        return optimizer, scheduler


def _title(stage: str, name: str) -> str:
    """In TensorBoard, of a loss or one of its parts: these are the first curves."""
    return f"loss/{stage}" if name == "loss" else f"loss/{stage}_{name}"


def _parts_of(value: Any, loss: nn.Module) -> dict[str, Tensor]:
    parts = {"loss": value} if isinstance(value, Tensor) else value
    scalars = isinstance(parts, Mapping) and all(isinstance(part, Tensor) and part.ndim == 0 for part in parts.values())
    if not scalars or "loss" not in parts:
        raise InputError(
            f"{type(loss).__name__} returns no loss",
            expected="a scalar tensor, or a dict of scalar tensors by name, with `loss` among them",
            got=f"{type(value).__name__} {dict(value) if isinstance(value, Mapping) else value!r}"[:200],
        )
    return dict(parts)
