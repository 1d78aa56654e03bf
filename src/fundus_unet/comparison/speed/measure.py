"""Measure every upsampler under one set of conditions."""

import copy
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch

from fundus_unet.comparison.decoder_stages import DecoderStage, pass_through
from fundus_unet.comparison.speed.conditions import Conditions
from fundus_unet.comparison.speed.memory import peak_memory
from fundus_unet.comparison.speed.roofline import MatrixProductRate
from fundus_unet.comparison.speed.row import Row
from fundus_unet.comparison.speed.timing import (
    Clock,
    Effort,
    Spread,
    interleaved_seconds,
    ratios,
    seconds_per_step,
)
from fundus_unet.comparison.speed.workload import LayerWorkload, NetworkWorkload, TrainingStep, Workload
from fundus_unet.core.counting import count_flops, parameter_count
from fundus_unet.core.errors import InputError
from fundus_unet.models.network import SegmentationNetwork

Tell = Callable[[str], None]
RECOMPILE_LIMIT = 256
"""Networks that torch may compile from the same code before it gives up; its own limit is 8 upsamplers."""


@dataclass(frozen=True)
class Variants:
    """The upsamplers to compare, each as a function that builds its network on the CPU.

    Args:
        control: The one whose time the others are divided by.
    """

    build: Mapping[str, Callable[[], SegmentationNetwork]]
    control: str


def compare_under(
    conditions: Conditions,
    variants: Variants,
    training: TrainingStep,
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
            workloads = _workloads(name, build(), conditions, training)
        except Exception as error:  # whatever is wrong with one upsampler, the others are measured
            failed.append(Row.empty(name, conditions))
            failed[-1].fail(error)
            continue
        for row, workload in workloads:
            groups.setdefault(row.stage, []).append((row, workload))
    with _room_to_compile(conditions):
        for group in groups.values():
            _measure(group, variants.control, effort, rate, memory, tell, clock)
    return [*(row for group in groups.values() for row, _ in group), *failed]


def _workloads(
    name: str, network: SegmentationNetwork, conditions: Conditions, training: TrainingStep
) -> list[tuple[Row, Workload]]:
    if conditions.level == "network":
        row = Row.empty(name, conditions)
        row.in_channels, row.out_channels = network.in_channels, 1
        row.size = row.output_size = conditions.image_size
        return [(row, NetworkWorkload(network, conditions, network.in_channels, training))]
    return [
        (Row.empty(name, conditions, stage), LayerWorkload(network.get_submodule(stage.path), conditions, stage))
        for stage in stages_under(conditions, network)
    ]


def stages_under(conditions: Conditions, network: SegmentationNetwork) -> list[DecoderStage]:
    """The decoder's stages as one image of these conditions passes them; `network` itself stays as it is.

    Raises:
        InputError: For a network without any.
    """
    network = copy.deepcopy(network).to(conditions.device).to(memory_format=conditions.layout).eval()
    image = torch.zeros(1, network.in_channels, *conditions.image_size, device=conditions.device)
    with torch.inference_mode(), conditions.autocast():
        stages = pass_through(network, image.contiguous(memory_format=conditions.layout)).stages
    if not stages:
        raise InputError("the network has no upsampling layer to measure", expected="a network with Upsampler modules")
    return stages


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
            row.flops = count_flops(workload.prepare(compiled=False))  # compiling changes no count
            steps[row.upsampler] = workload.prepare(workload.conditions.compiled)
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


def _room_to_compile(conditions: Conditions) -> AbstractContextManager[Any]:
    if not conditions.compiled:
        return nullcontext()
    torch.compiler.reset()  # what was compiled before counts towards the limit
    return torch._dynamo.config.patch(recompile_limit=RECOMPILE_LIMIT)
