"""Time and memory of every backend at one image size."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from fundus_unet.comparison.inference.backends import BACKENDS, REFERENCE
from fundus_unet.comparison.inference.program import Program
from fundus_unet.comparison.inference.row import Row
from fundus_unet.comparison.speed.conditions import Conditions
from fundus_unet.comparison.speed.measure import Tell
from fundus_unet.comparison.speed.memory import peak_memory
from fundus_unet.comparison.speed.roofline import MatrixProductRate
from fundus_unet.comparison.speed.timing import Clock, Effort, Spread, interleaved_seconds, ratios
from fundus_unet.comparison.speed.workload import TINY, Step
from fundus_unet.data.images.preprocessing import WorkingImage

Rates = Mapping[str, MatrixProductRate]
"""By dtype."""


def measure_size(
    names: Sequence[str],
    program: Program,
    size: int,
    device: torch.device,
    effort: Effort,
    rates: Rates,
    flops_per_pixel: float,
    *,
    memory: bool,
    tell: Tell = lambda doing: None,
    clock: Clock | None = None,
) -> list[Row]:
    """A row per backend.

    Args:
        memory: Starts a process per row.
    """
    rows = {name: Row(name, BACKENDS[name].dtype, device.type, size) for name in names}
    workloads = {name: BackendWorkload(name, program, device.type, size) for name in names}
    steps: dict[str, Step] = {}
    for name, workload in workloads.items():
        try:
            tell(f"preparing {name}")
            steps[name] = workload.prepare(compiled=False)
        except Exception as error:  # whatever is wrong with one, the others are measured
            rows[name].fail(error)
    tell(f"timing {len(steps)} backends")
    seconds, failed = interleaved_seconds(steps, effort, clock or seconds_of)
    for name, failure in failed.items():
        rows[name].fail(failure)
    for name, measured in seconds.items():
        _fill_times(rows[name], measured, seconds.get(REFERENCE), rates.get(rows[name].dtype), flops_per_pixel)
    del steps  # their memory, before other processes want as much
    torch.cuda.empty_cache()
    if memory:
        for name in seconds:
            tell(f"memory of {name}")
            peak = peak_memory(workloads[name])
            rows[name].process_memory_bytes = peak.process_bytes
            rows[name].accelerator_memory_bytes = peak.accelerator_bytes
            rows[name].reason = f"no memory: {peak.reason}" if peak.reason else None
    return list(rows.values())


def seconds_of(step: Step, number: int) -> float:
    """Mean duration of `number` steps; each returns its map in the CPU's memory, so there is nothing to wait for.

    Without steps for warm-up, which `interleaved_seconds` has: one of a large image takes a minute.
    """
    start = time.perf_counter()
    for _ in range(number):
        step()
    return (time.perf_counter() - start) / number


@dataclass(frozen=True)
class BackendWorkload:
    """A backend and an image of noise, as `comparison.speed.memory` takes workloads."""

    backend: str
    program: Program
    device: str
    size: int

    @property
    def module(self) -> nn.Module:
        return self.program.network

    @property
    def conditions(self) -> Conditions:
        backend = BACKENDS[self.backend]
        compiled, shape = self.backend.startswith("compiled"), (self.size, self.size)
        layout = "contiguous" if self.backend == REFERENCE else "channels_last"
        return Conditions("network", "inference", self.device, backend.dtype, layout, compiled, 1, shape)

    def prepare(self, compiled: bool) -> Step:
        """Whether it is compiled is the backend's affair."""
        backend = BACKENDS[self.backend]
        backend.set_memory()
        predictor = backend.predictor(self.program, torch.device(self.device))
        image = noise_image(self.size)

        def step() -> object:
            backend.set_memory()
            return predictor.probability(image, image.field_of_view)

        return step

    def tiny(self) -> "BackendWorkload":
        return replace(self, size=2 * max(TINY, self.program.size_multiple))


def noise_image(size: int) -> WorkingImage:
    """A square image all of which is field of view; no time depends on what is in it."""
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
    mean, std = np.full(3, 127.5, np.float32), np.full(3, 73.9, np.float32)
    return WorkingImage(pixels, np.ones((size, size), bool), mean, std)


def _fill_times(
    row: Row, seconds: list[float], reference: list[float] | None, rate: MatrixProductRate | None, flops: float
) -> None:
    times = Spread.of(seconds)
    row.rounds = len(seconds)
    row.median_seconds = times.median
    row.lower_quartile_seconds, row.upper_quartile_seconds = times.lower_quartile, times.upper_quartile
    row.nanoseconds_per_pixel = times.median / row.size**2 * 1e9
    if reference is not None:
        speedup = Spread.of(ratios(reference, seconds))
        row.speedup = speedup.median
        row.speedup_lower_quartile, row.speedup_upper_quartile = speedup.lower_quartile, speedup.upper_quartile
    if rate is not None and rate.flops_per_second is not None:
        row.share_of_matrix_rate = flops * row.size**2 / times.median / rate.flops_per_second
