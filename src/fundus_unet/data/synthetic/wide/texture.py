"""Textures from one tile of noise that is made once per process: drawing fresh noise would take most of the time."""

import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Plane

_SIDE = 1024


@functools.cache
def noise_tile(grain: float) -> Plane:
    """Gaussian noise of zero mean and unit variance that continues itself at its edges.

    Args:
        grain: Standard deviation in pixels of the blur that it went through; 0 is white noise.

    Shapes:
        (1024, 1024) float32, not to be written to.
    """
    white = np.random.Generator(np.random.PCG64(20_261_127)).standard_normal((_SIDE, _SIDE), dtype=np.float32)
    if grain > 0:
        pad = math.ceil(4 * grain)
        wrapped = cv2.copyMakeBorder(white, pad, pad, pad, pad, cv2.BORDER_WRAP)
        white = np.ascontiguousarray(cv2.GaussianBlur(wrapped, (0, 0), grain)[pad:-pad, pad:-pad])
        white = (white - white.mean()) / white.std()
    white.setflags(write=False)
    return white


@functools.cache
def mottled_tile() -> Plane:
    """Noise with grains of several sizes, as pigment has.

    Shapes:
        as `noise_tile`.
    """
    total = noise_tile(3.0) + 0.8 * noise_tile(7.0)[::-1] + 0.6 * noise_tile(16.0).T
    total = np.ascontiguousarray(total / total.std(), dtype=np.float32)
    total.setflags(write=False)
    return total


def texture(rng: np.random.Generator, size: int, cells: float, tile: Plane | None = None) -> Plane:
    """A random piece of noise, turned at random, with about `cells` grains along a side.

    Args:
        tile: Other noise than `noise_tile(3.0)`, whose finest grain is as fine.

    Shapes:
        returns (size, size) float32, about unit variance.
    """
    grain = 3.0
    step = _SIDE_OF_GRAIN * grain * cells / size  # tile pixels per pixel
    turn = rng.uniform(0, 2 * np.pi)
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array([[step * cos, -step * sin, 0], [step * sin, step * cos, 0]])
    matrix[:, 2] = rng.uniform(0, _SIDE, 2)
    return np.asarray(
        cv2.warpAffine(
            noise_tile(grain) if tile is None else tile,
            matrix,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_WRAP,
        )
    )


_SIDE_OF_GRAIN = 3.2
"""From one grain of blurred noise to the next, in standard deviations of the blur."""


def white_noise(rng: np.random.Generator, size: int, grain: float = 0.0) -> Plane:
    """A random piece of white noise, or of noise of a small grain, one value per pixel.

    Shapes:
        returns (size, size) float32, unit variance, not to be written to.
    """
    tile = noise_tile(grain)
    top, left = (int(value) for value in rng.integers(0, _SIDE, 2))
    if size + max(top, left) > _SIDE:
        top, left = (top % (_SIDE - size), left % (_SIDE - size)) if size < _SIDE else (top, left)
        times = math.ceil((size + max(top, left)) / _SIDE)
        tile = np.tile(tile, (times, times)) if times > 1 else tile
    return tile[top : top + size, left : left + size]


def soft_patches(field: Plane, share: float) -> NDArray[np.float32]:
    """Soft-edged patches in [0, 1] that cover about `share` of a field of unit variance."""
    threshold = float(np.quantile(field[::8, ::8], 1 - share))
    return _sigmoid(4 * (field - threshold))


def _sigmoid(value: Plane) -> Plane:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * value), dtype=np.float32)


def inside(depth: Plane, softness: float) -> Plane:
    """1 where `depth` is above 0 and 0 below it, with a soft step."""
    return _sigmoid(np.asarray(depth / softness, dtype=np.float32))
