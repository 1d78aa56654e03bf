"""Times of several steps on a machine that is not quiet: interleaved, repeated, and set in relation round by round."""

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from fundus_unet.comparison.speed.workload import Step

# imported with torch's timer and its compiler, and warns where there is no GPU; said before either is imported
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
Clock = Callable[[Step, int], float]
"""`(step, number) -> seconds`: the mean duration of `number` steps in a row."""


@dataclass(frozen=True)
class Effort:
    """How long to measure: every step once per round, for about `min_seconds` or one step if that is longer."""

    rounds: int
    min_seconds: float


@dataclass(frozen=True)
class Spread:
    """Median and quartiles, linearly interpolated."""

    median: float
    lower_quartile: float
    upper_quartile: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """That of these values."""
        lower, median, upper = np.quantile(list(values), (0.25, 0.5, 0.75)).tolist()
        return cls(median, lower, upper)


def seconds_per_step(step: Step, number: int) -> float:
    """`torch.utils.benchmark` waits for the accelerator and first runs the step untimed, at least twice."""
    from torch.utils.benchmark import Timer

    timer = Timer("step()", globals={"step": step}, num_threads=torch.get_num_threads())
    return timer.timeit(number).mean


def order_of_round(names: Sequence[str], number: int) -> list[str]:
    """Rotated by one each round, so that no step always follows the same pause or the same heat."""
    start = number % len(names)
    return [*names[start:], *names[:start]]


def interleaved_seconds(
    steps: Mapping[str, Step], effort: Effort, clock: Clock = seconds_per_step
) -> tuple[dict[str, list[float]], dict[str, Exception]]:
    """Seconds per step in every round, and what went wrong with the steps that could not be run.

    Each step is first warmed up, which compiles it where it is to be, then timed once to choose how many of it fill
    `min_seconds`. The first whole round is thrown away.
    """
    numbers: dict[str, int] = {}
    failed: dict[str, Exception] = {}
    for name, step in steps.items():
        try:
            numbers[name] = max(1, math.ceil(effort.min_seconds / clock(step, 1)))
        except Exception as error:  # whatever it is: the other steps are measured, and the table tells this one's
            failed[name] = error
    seconds: dict[str, list[float]] = {name: [] for name in numbers}
    for number in range(-1, effort.rounds):
        for name in order_of_round(list(numbers), number) if numbers else []:
            if name in failed:
                continue
            try:
                measured = clock(steps[name], numbers[name])
            except Exception as error:
                failed[name] = error
                del seconds[name]
                continue
            if number >= 0:
                seconds[name].append(measured)
    return seconds, failed


def ratios(seconds: Sequence[float], control: Sequence[float]) -> list[float]:
    """Round by round, as both were measured within moments of each other."""
    return [mine / its for mine, its in zip(seconds, control, strict=True)]
