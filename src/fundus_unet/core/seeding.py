"""Random numbers that depend on what they are for, never on who asks first."""

import zlib

import numpy as np


def generator_for(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """A generator for one purpose and index: the same whatever else was asked for, in whatever process."""
    # the length goes in because NumPy ignores trailing zeros of a seed
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), len(index), *index])
