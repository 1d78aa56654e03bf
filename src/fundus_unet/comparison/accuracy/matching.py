"""The width at which one network has as many parameters as another."""

from collections.abc import Callable

from fundus_unet.core.errors import InputError

STEP = 0.01
LARGEST = 16.0


def matching_width(parameters_at: Callable[[float], int], target: int) -> float:
    """The multiple of `STEP` at which `parameters_at(width)`, which grows with the width, is nearest to `target`.

    Raises:
        InputError: Where the target is out of reach, by more than the parameters that one step adds.
    """
    low, high = 1, round(LARGEST / STEP)
    smallest, largest = parameters_at(low * STEP), parameters_at(high * STEP)
    if not smallest <= target <= largest:
        raise InputError(
            "no width gives this variant as many parameters as the control",
            expected=f"from {smallest:,} to {largest:,} parameters",
            got=f"{target:,}",
            fix="leave this variant out, or set match_parameters=false",
        )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameters_at(middle * STEP) <= target else (low, middle)
    nearest = min((low, high), key=lambda step: abs(parameters_at(step * STEP) - target))
    return round(nearest * STEP, 2)
