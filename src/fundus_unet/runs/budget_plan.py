"""How many steps and epochs a time is enough for."""

import math
from dataclasses import dataclass

from fundus_unet.core.errors import InputError
from fundus_unet.training.step_timing import Timings

MARGIN = 0.08
"""The share of the time that is left over for a machine that becomes slower while it trains."""
VALIDATING = 0.1
"""The share of the time for validation, checkpoints and figures, as long as there are more epochs than `FEW`."""
FEW, MANY = 4, 30
"""Epochs: so many that there is a best one, and something to continue from after an interruption."""
MOST_VALIDATING = 0.5
"""The share that validation may take with `FEW` epochs; where it would take more, there are fewer."""
SHORT = 25
"""Steps: epochs are not made shorter than that where there are more than `FEW`."""
LEAST_STEPS = 20
"""A training of fewer teaches nothing."""


@dataclass(frozen=True)
class Plan:
    """The length of a training; its schedule follows from it."""

    epochs: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """Training batches of the whole training."""
        return self.epochs * self.steps_per_epoch

    def seconds(self, timings: Timings) -> float:
        """How long it takes on a machine with these timings."""
        return timings.start + self.steps * timings.step + self.epochs * timings.validation


def plan_for(seconds: float, timings: Timings, spent: float = 0.0) -> Plan:
    """The longest training that ends in time, with a margin.

    Args:
        spent: Seconds of the time that are gone, for measuring.

    Raises:
        InputError: Where that is less than `LEAST_STEPS` steps and one validation.
    """
    usable, validation = (seconds - spent) * (1 - MARGIN) - timings.start, max(timings.validation, 1e-9)

    def steps_in(epochs: int) -> int:
        """Of each of so many epochs."""
        return math.floor((usable / epochs - validation) / timings.step)

    if steps_in(1) < LEAST_STEPS:
        raise InputError(
            "the budget is too short for this machine",
            expected=f"at least {_least(timings, spent)} s, for {LEAST_STEPS} steps, a validation and measuring both",
            got=f"{seconds:g} s",
            fix="give more time, or set a smaller data.patch_size, data.batch_size or network",
        )
    affordable = math.floor(VALIDATING * usable / validation)
    epochs = max(min(affordable, steps_in(1) // SHORT, MANY), FEW)
    epochs = min(epochs, max(1, math.floor(MOST_VALIDATING * usable / validation)))
    epochs = next(number for number in range(epochs, 0, -1) if number * steps_in(number) >= LEAST_STEPS)
    return Plan(epochs, steps_in(epochs))


def _least(timings: Timings, spent: float) -> int:
    least = Plan(1, LEAST_STEPS).seconds(timings) / (1 - MARGIN) + spent
    return math.ceil(1.1 * least)  # it is measured again, and to another number
