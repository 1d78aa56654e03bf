"""The size and the cost of a network: one way to count each, for the whole project."""

from collections.abc import Callable

from torch import nn


def parameter_count(module: nn.Module) -> int:
    """How many numbers the module learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def count_flops(step: Callable[[], object]) -> int:
    """Floating-point operations of one call, two per product.

    Matrix products and convolutions are counted, with their gradients where the call computes them; interpolation,
    normalisation and what else works value by value is not.
    """
    from torch.utils.flop_counter import FlopCounterMode  # its import takes longer than a prediction

    with FlopCounterMode(display=False) as counter:
        step()
    return counter.get_total_flops()
