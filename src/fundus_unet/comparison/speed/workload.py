"""The steps that are timed: a layer or a network, in training or inference, exactly as the project runs them.

A step of training is what `VesselSegmenter` and its trainer do with a batch that lies in memory: loss, gradients,
clipping, optimizer. Patches, logging and the learning rate's schedule are no part of it.
"""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from fundus_unet.comparison.decoder_stages import DecoderStage
from fundus_unet.comparison.speed.conditions import Conditions

Step = Callable[[], object]
TINY = 16
"""Side of a small image."""


@dataclass(frozen=True)
class TrainingStep:
    """What a network is trained with; `gradient_clip_val` is the largest norm of all gradients, None for any."""

    loss: nn.Module
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    gradient_clip_val: float | None


class Workload(Protocol):
    """A module on the CPU and what to do with it; `prepare` works on a copy, so workloads can be pickled any time."""

    @property
    def module(self) -> nn.Module:
        """What is measured."""

    @property
    def conditions(self) -> Conditions:
        """Under which it is measured."""

    def prepare(self, compiled: bool) -> Step:
        """Put a copy where the conditions say and make its inputs; the result runs one step on them."""

    def tiny(self) -> "Workload":
        """The same operations on a few small images."""


@dataclass(frozen=True)
class LayerWorkload:
    """An upsampling layer alone: forward, and in training the gradients of its input and weights."""

    module: nn.Module
    conditions: Conditions
    stage: DecoderStage

    def prepare(self, compiled: bool) -> Step:
        conditions, stage = self.conditions, self.stage
        layer = _placed(self.module, conditions)
        forward = _compiled(layer) if compiled else layer
        x = _random((conditions.batch_size, stage.in_channels, *stage.size), conditions, stage.dtype)
        if not conditions.training:
            return _inference_step(lambda: forward(x, stage.output_size), conditions)
        gradient = _random(
            (conditions.batch_size, stage.out_channels, *stage.output_size), conditions, stage.output_dtype
        )
        x.requires_grad_()

        def step() -> None:
            x.grad = None
            layer.zero_grad()
            with conditions.autocast():
                output = forward(x, stage.output_size)
            output.backward(gradient)

        return step

    def tiny(self) -> "LayerWorkload":
        height, width = (min(side, TINY // 4) for side in self.stage.size)
        stage = replace(self.stage, size=(height, width), output_size=(2 * height, 2 * width))
        return replace(self, stage=stage)


@dataclass(frozen=True)
class NetworkWorkload:
    """A whole network: forward, and in training the loss, its gradients, their clipping and the optimizer's step."""

    module: nn.Module
    conditions: Conditions
    in_channels: int
    training: TrainingStep

    def prepare(self, compiled: bool) -> Step:
        conditions, training = self.conditions, self.training
        network = _placed(self.module, conditions)
        forward = _compiled(network) if compiled else network
        image = _random((conditions.batch_size, self.in_channels, *conditions.image_size), conditions, torch.float32)
        if not conditions.training:
            return _inference_step(lambda: forward(image), conditions)
        loss = copy.deepcopy(training.loss).to(conditions.device)
        optimizer = training.optimizer(network.parameters())
        label = (torch.rand_like(image[:, :1]) < 0.1).float()
        region = torch.ones_like(label, dtype=torch.bool)

        def step() -> None:
            optimizer.zero_grad()
            with conditions.autocast():
                value = loss(forward(image), label, region)
            (value if isinstance(value, Tensor) else value["loss"]).backward()
            if training.gradient_clip_val is not None:
                nn.utils.clip_grad_norm_(network.parameters(), training.gradient_clip_val)
            optimizer.step()

        return step

    def tiny(self) -> "NetworkWorkload":
        height, width = (min(side, TINY) for side in self.conditions.image_size)
        batch_size = max(self.conditions.batch_size, 2)  # normalisation over a batch needs more than one value
        return replace(self, conditions=replace(self.conditions, batch_size=batch_size, image_size=(height, width)))


def _placed(module: nn.Module, conditions: Conditions) -> nn.Module:
    module = copy.deepcopy(module).to(conditions.device).to(memory_format=conditions.layout)
    return module.train(conditions.training)


def _compiled(module: nn.Module) -> Callable[..., Tensor]:
    # A whole graph or an error: a part that silently stays eager would be measured as compiled.
    return torch.compile(module, fullgraph=True, dynamic=False)


def _random(shape: tuple[int, ...], conditions: Conditions, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, device=conditions.device).to(dtype).contiguous(memory_format=conditions.layout)


def _inference_step(forward: Step, conditions: Conditions) -> Step:
    def step() -> object:
        with torch.inference_mode(), conditions.autocast():
            return forward()

    return step
