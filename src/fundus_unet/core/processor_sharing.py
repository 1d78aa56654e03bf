"""Threads that wait sleep soon: a machine on which something else runs is not slowed down many times over."""

import os

SPINS = 30_000
"""Turns of the waiting loop, some tenth of a millisecond: longer than the pauses between layers of a training step."""


def share_processor() -> None:
    """Have OpenMP's threads wait actively for a short time only; what the user chose in the environment stays.

    By default GNU's OpenMP spins for milliseconds wherever threads meet. Where another process has one of the cores,
    the others then spin while their partner waits for a core: measured on two cores, a training step in float32 took
    eight times as long instead of four. Has to be called before torch is imported, which reads it once.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(SPINS))
