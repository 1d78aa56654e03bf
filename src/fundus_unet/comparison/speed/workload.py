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
from torch.utils.flop_counter import FlopCounterMode

from fundus_unet.comparison.speed.conditions import Setting
from fundus_unet.comparison.speed.stages import DecoderStage

Step = Callable[[], object]
TINY = 16
"""Side of a small image."""


@dataclass(frozen=True)
class Objective:
    """What a network is trained with; `gradient_clip_val` is the largest norm of all gradients, None for any."""

    loss: nn.Module
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    gradient_clip_val: float | None


class Workload(Protocol):
    """A module on the CPU and what to do with it; `prepare` works on a copy, so workloads can be pickled any time."""

    @property
    def module(self) -> nn.Module: ...

    @property
    def setting(self) -> Setting: ...

    def prepare(self, compiled: bool) -> Step:
        """Put a copy where the setting says and make its inputs; the result runs one step on them."""

    def tiny(self) -> "Workload":
        """The same operations on a few small images."""


@dataclass(frozen=True)
class LayerWorkload:
    """An upsampling layer alone: forward, and in training the gradients of its input and weights."""

    module: nn.Module
    setting: Setting
    stage: DecoderStage

    def prepare(self, compiled: bool) -> Step:
        setting, stage = self.setting, self.stage
        layer = _placed(self.module, setting)
        forward = _compiled(layer) if compiled else layer
        x = _random((setting.batch_size, stage.in_channels, *stage.size), setting, stage.dtype)
        if not setting.training:
            return _inference_step(lambda: forward(x, stage.output_size), setting)
        gradient = _random((setting.batch_size, stage.out_channels, *stage.output_size), setting, stage.output_dtype)
        x.requires_grad_()

        def step() -> None:
            x.grad = None
            layer.zero_grad()
            with setting.autocast():
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
    setting: Setting
    in_channels: int
    objective: Objective

    def prepare(self, compiled: bool) -> Step:
        setting, objective = self.setting, self.objective
        network = _placed(self.module, setting)
        forward = _compiled(network) if compiled else network
        image = _random((setting.batch_size, self.in_channels, *setting.image_size), setting, torch.float32)
        if not setting.training:
            return _inference_step(lambda: forward(image), setting)
        loss = copy.deepcopy(objective.loss).to(setting.device)
        optimizer = objective.optimizer(network.parameters())
        label = (torch.rand_like(image[:, :1]) < 0.1).float()
        region = torch.ones_like(label, dtype=torch.bool)

        def step() -> None:
            optimizer.zero_grad()
            with setting.autocast():
                value = loss(forward(image), label, region)["loss"]
            value.backward()
            if objective.gradient_clip_val is not None:
                nn.utils.clip_grad_norm_(network.parameters(), objective.gradient_clip_val)
            optimizer.step()

        return step

    def tiny(self) -> "NetworkWorkload":
        height, width = (min(side, TINY) for side in self.setting.image_size)
        batch_size = max(self.setting.batch_size, 2)  # normalisation over a batch needs more than one value
        return replace(self, setting=replace(self.setting, batch_size=batch_size, image_size=(height, width)))


def count_flops(workload: Workload) -> int:
    """Floating-point operations of one step over the whole batch, two per product.

    Matrix products and convolutions are counted, with their gradients; interpolation, normalisation and what else
    works value by value is not. Compiling changes none of it, so the step is counted uncompiled.
    """
    step = workload.prepare(compiled=False)
    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()


def parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _placed(module: nn.Module, setting: Setting) -> nn.Module:
    module = copy.deepcopy(module).to(setting.device).to(memory_format=setting.layout)
    return module.train(setting.training)


def _compiled(module: nn.Module) -> Callable[..., Tensor]:
    # A whole graph or an error: a part that silently stays eager would be measured as compiled.
    return torch.compile(module, fullgraph=True, dynamic=False)


def _random(shape: tuple[int, ...], setting: Setting, dtype: torch.dtype) -> Tensor:
    return torch.randn(shape, device=setting.device).to(dtype).contiguous(memory_format=setting.layout)


def _inference_step(forward: Step, setting: Setting) -> Step:
    def step() -> object:
        with torch.inference_mode(), setting.autocast():
            return forward()

    return step
