"""Compare the speed of upsamplers: from a configuration to the conditions, networks and training step to measure."""

import functools
import itertools
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig
from rich.console import Console
from torch import nn

from fundus_unet.commands.upsamplers import check_control, check_upsamplers, network_for
from fundus_unet.comparison.speed.compare import compare_speed
from fundus_unet.comparison.speed.conditions import Conditions
from fundus_unet.comparison.speed.measure import Variants
from fundus_unet.comparison.speed.timing import Effort
from fundus_unet.comparison.speed.workload import TrainingStep
from fundus_unet.core.errors import InputError
from fundus_unet.models.network import SegmentationNetwork
from fundus_unet.runs.build import build
from fundus_unet.runs.device import choose_device
from fundus_unet.runs.run_directory import plain


def compare_speed_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of the command `compare speed`; returns what speed.json holds.

    Raises:
        InputError: For settings that cannot be used, before anything is measured or written.
    """
    conditions, variants, training = _conditions(config), _variants(config), _training_step(config)
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    return compare_speed(
        conditions,
        variants,
        training,
        Effort(config.rounds, config.min_seconds),
        Path(config.out_dir).resolve(),
        memory=config.memory,
        settings={key: value for key, value in plain(config).items() if key not in ("paths", "out_dir")},
        console=Console(),
    )


def _conditions(config: DictConfig) -> list[Conditions]:
    """Every combination that the configuration asks for."""
    devices = dict.fromkeys(choose_device(device).type for device in config.devices)
    return [
        Conditions(level, mode, device, dtype, memory_format, compiled, batch_size, _sides(config[mode].image_size))
        for level, mode in itertools.product(config.levels, config.modes)
        for batch_size in config[mode].batch_sizes
        for device, dtype, memory_format, compiled in itertools.product(
            devices, config.dtypes, config.memory_formats, config.compile
        )
    ]


def _variants(config: DictConfig) -> Variants:
    """The networks to compare; all of them start from the same seed."""
    names = check_upsamplers(config.upsamplers)
    control = check_control(config.control, names)
    network_for(config, control)  # settings of the model that no network can have are told at once

    def build_seeded(name: str) -> SegmentationNetwork:
        torch.manual_seed(config.seed)
        return network_for(config, name)

    return Variants({name: functools.partial(build_seeded, name) for name in names}, control)


def _training_step(config: DictConfig) -> TrainingStep:
    optimizer = build(config.optimizer, trusted=True)
    try:
        optimizer([nn.Parameter(torch.zeros(1))])
    except (TypeError, ValueError) as error:
        raise InputError(f"optimizer cannot be made: {error}") from error
    return TrainingStep(build(config.loss, trusted=True), optimizer, config.training.gradient_clip_val)


def _sides(image_size: int | ListConfig) -> tuple[int, int]:
    height, width = image_size if isinstance(image_size, ListConfig) else (image_size, image_size)
    return height, width
