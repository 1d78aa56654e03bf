"""How fast this machine multiplies matrices: the rate that convolutions are held against."""

from dataclasses import dataclass

import torch

from fundus_unet.comparison.speed.conditions import DTYPES
from fundus_unet.comparison.speed.row import one_line
from fundus_unet.comparison.speed.timing import Clock, seconds_per_step
from fundus_unet.comparison.speed.workload import Step

SMALLEST, LARGEST = 256, 16384
LONG_ENOUGH = 0.05
"""Seconds of one product from which larger matrices are not tried: a rate rises with the size, and then stays."""
REPEATS = 3


@dataclass(frozen=True)
class MatrixProductRate:
    """The best rate of any size tried; None, with the reason, where products cannot be computed.

    Args:
        size: The side of the matrices that gave it.
        tf32: Tells whether float32 products were rounded to TF32.
    """

    device: str
    dtype: str
    flops_per_second: float | None
    size: int | None
    tf32: bool
    reason: str | None = None


def matrix_product_rate(device: str, dtype: str, clock: Clock = seconds_per_step) -> MatrixProductRate:
    """Square products, doubled in size until one takes long enough, with the number of threads that torch has now.

    cuDNN's convolutions may use TF32 for float32 where matrix products by default do not; here both get the same.
    """
    tf32 = device == "cuda" and dtype == "float32" and torch.backends.cudnn.allow_tf32
    before = torch.get_float32_matmul_precision()
    if tf32:
        torch.set_float32_matmul_precision("high")
    try:
        rate, size = _best(device, DTYPES[dtype] or torch.float32, clock)
    except Exception as error:  # as for any other measurement: the others go on
        return MatrixProductRate(device, dtype, None, None, tf32, one_line(error))
    finally:
        if tf32:
            torch.set_float32_matmul_precision(before)
    return MatrixProductRate(device, dtype, rate, size, tf32)


def _best(device: str, dtype: torch.dtype, clock: Clock) -> tuple[float, int]:
    rates: list[tuple[float, int]] = []
    seconds, size = 0.0, SMALLEST
    while size <= LARGEST and seconds < LONG_ENOUGH:
        try:
            seconds = min(clock(_product(size, device, dtype), 1) for _ in range(REPEATS))
        except torch.OutOfMemoryError:
            if not rates:
                raise
            break
        rates.append((2 * size**3 / seconds, size))
        size *= 2
    return max(rates)


def _product(size: int, device: str, dtype: torch.dtype) -> Step:
    # random: a GPU multiplies ones faster, as its clock rises where bits do not change
    a, b, product = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(3))
    return lambda: torch.mm(a, b, out=product)
