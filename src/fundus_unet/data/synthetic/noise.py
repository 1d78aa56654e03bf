"""Smooth random fields, the raw material of every texture."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Plane


def smooth_noise(rng: np.random.Generator, size: int, cells: int) -> Plane:
    """Gaussian noise of zero mean and unit variance whose grain is `size / cells` pixels.

    Shapes:
        returns (size, size) float32.
    """
    grid = rng.standard_normal((cells + 2, cells + 2), dtype=np.float32)
    field = cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray((field - field.mean()) / (field.std() + 1e-6), dtype=np.float32)


def octave_noise(rng: np.random.Generator, size: int, cells: int, octaves: int, persistence: float) -> Plane:
    """Sum of `smooth_noise` at doubling frequencies, each `persistence` times as strong as the one before."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        total += persistence**octave * smooth_noise(rng, size, cells * 2**octave)
    return np.asarray(total / (total.std() + 1e-6), dtype=np.float32)


def patches(rng: np.random.Generator, size: int, cells: int, share: float) -> Plane:
    """Soft-edged patches in [0, 1] that cover about `share` of the figure: where a texture shows."""
    noise = smooth_noise(rng, size, cells)
    threshold = float(np.quantile(noise[::4, ::4], 1 - share))
    return np.asarray(1 / (1 + np.exp(-4 * (noise - threshold))), dtype=np.float32)


def blurred(field: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Gaussian blur; `sigma` in pixels."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma), dtype=np.float32)
