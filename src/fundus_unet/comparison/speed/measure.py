"""Measure every upsampler under one setting."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from fundus_unet.comparison.speed.conditions import Setting
from fundus_unet.comparison.speed.memory import peak_memory
from fundus_unet.comparison.speed.roofline import MatrixProductRate
from fundus_unet.comparison.speed.row import Row
from fundus_unet.comparison.speed.stages import decoder_stages
from fundus_unet.comparison.speed.timing import (
    Clock,
    Effort,
    Spread,
    interleaved_seconds,
    ratios,
    seconds_per_step,
)
from fundus_unet.comparison.speed.workload import (
    LayerWorkload,
    NetworkWorkload,
    Objective,
    Workload,
    count_flops,
    parameter_count,
)
from fundus_unet.models.unet import UNet

Tell = Callable[[str], None]
RECOMPILE_LIMIT = 256
"""Networks that torch may compile from the same code before it gives up; its own limit is 8 upsamplers."""


@dataclass(frozen=True)
class Variants:
    """The upsamplers to compare, each as a function that builds its network on the CPU.

    Args:
        control: The one whose time the others are divided by.
    """

    build: Mapping[str, Callable[[], UNet]]
    control: str


def compare_under(
    setting: Setting,
    variants: Variants,
    objective: Objective,
    effort: Effort,
    rate: MatrixProductRate,
    *,
    memory: bool = True,
    tell: Tell = lambda doing: None,
    clock: Clock = seconds_per_step,
) -> list[Row]:
    """A row per upsampler, or at the level of layers a row per upsampler and decoder stage, stages one after another.

    Args:
        memory: Starts a process per row.
        tell: Told what is being done.
    """
    groups: dict[int | None, list[tuple[Row, Workload]]] = {}
    failed: list[Row] = []
    for name, build in variants.build.items():
        try:
            workloads = _workloads(name, build(), setting, objective)
        except Exception as error:  # whatever is wrong with one upsampler, the others are measured
            failed.append(Row.empty(name, setting))
            failed[-1].fail(error)
            continue
        for row, workload in workloads:
            groups.setdefault(row.stage, []).append((row, workload))
    with _room_to_compile(setting):
        for group in groups.values():
            _measure(group, variants.control, effort, rate, memory, tell, clock)
    return [*(row for group in groups.values() for row, _ in group), *failed]


def _workloads(name: str, network: UNet, setting: Setting, objective: Objective) -> list[tuple[Row, Workload]]:
    if setting.level == "network":
        row = Row.empty(name, setting)
        row.in_channels, row.out_channels = network.in_channels, network.out_channels
        row.size = row.output_size = setting.image_size
        return [(row, NetworkWorkload(network, setting, network.in_channels, objective))]
    return [
        (Row.empty(name, setting, stage), LayerWorkload(network.get_submodule(stage.path), setting, stage))
        for stage in decoder_stages(network, network.in_channels, setting)
    ]


def _measure(
    group: list[tuple[Row, Workload]],
    control: str,
    effort: Effort,
    rate: MatrixProductRate,
    memory: bool,
    tell: Tell,
    clock: Clock,
) -> None:
    """Fill the rows of workloads that are timed against each other."""
    steps, rows = {}, {row.upsampler: row for row, _ in group}
    for row, workload in group:
        try:
            row.parameters = parameter_count(workload.module)
            row.flops = count_flops(workload)
            steps[row.upsampler] = workload.prepare(workload.setting.compiled)
        except Exception as error:
            row.fail(error)
    tell("timing " + ", ".join(steps))
    seconds, failed = interleaved_seconds(steps, effort, clock)
    for name, failure in failed.items():
        rows[name].fail(failure)
    for name, measured in seconds.items():
        _fill_times(rows[name], measured, seconds.get(control), rate)
    del steps  # their memory, before other processes want as much
    torch.cuda.empty_cache()
    if memory:
        for row, workload in group:
            if row.upsampler in seconds:
                tell(f"memory of {row.upsampler}")
                _fill_memory(row, workload)


def _fill_times(row: Row, seconds: list[float], control: list[float] | None, rate: MatrixProductRate) -> None:
    times = Spread.of(seconds)
    row.rounds = len(seconds)
    row.median_seconds = times.median
    row.lower_quartile_seconds, row.upper_quartile_seconds = times.lower_quartile, times.upper_quartile
    row.images_per_second = row.batch_size / times.median
    if control is not None:
        ratio = Spread.of(ratios(seconds, control))
        row.ratio_to_control = ratio.median
        row.ratio_lower_quartile, row.ratio_upper_quartile = ratio.lower_quartile, ratio.upper_quartile
    if row.flops is not None and rate.flops_per_second is not None:
        row.share_of_matrix_rate = row.flops / times.median / rate.flops_per_second


def _fill_memory(row: Row, workload: Workload) -> None:
    peak = peak_memory(workload)
    row.process_memory_bytes, row.accelerator_memory_bytes = peak.process_bytes, peak.accelerator_bytes
    if peak.reason:
        row.reason = f"no memory: {peak.reason}"


def _room_to_compile(setting: Setting) -> AbstractContextManager[Any]:
    if not setting.compiled:
        return nullcontext()
    torch.compiler.reset()  # what earlier settings compiled counts towards the limit
    return torch._dynamo.config.patch(recompile_limit=RECOMPILE_LIMIT)
