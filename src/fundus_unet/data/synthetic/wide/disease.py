"""What disease, treatment and birth put on a retina: much of it looks like a vessel to a threshold and is none."""

import math

import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Frame, Plane, Points
from fundus_unet.data.synthetic.wide.eye import Eye
from fundus_unet.data.synthetic.wide.spots import beside, blots, mix, shade
from fundus_unet.data.synthetic.wide.texture import texture

_BLOOD = (0.30, 1.0, 0.85)
_YELLOW = (0.97, 0.80, 0.35)
_WHITE = (0.95, 0.85, 0.68)


def paint_behind(rng: np.random.Generator, eye: Eye, frame: Frame, retina: Plane, base: NDArray[np.float64]) -> None:
    """What vessels pass over: exudates, drusen, laser scars, atrophy and naevi, in place.

    Args:
        retina: (3, H, W), logarithms of light beside its mean colour `base`.
    """
    if rng.random() < 0.2:
        places, sizes = _exudates(rng, eye)
        mix(retina, blots(rng, frame, places, sizes, 0.5), rng.uniform(0.5, 0.95), beside(_YELLOW, base))
    if rng.random() < 0.2:
        count = int(rng.integers(15, 90))
        places = eye.layout.fovea + rng.normal(0, rng.uniform(0.06, 0.2), (count, 2))
        sizes = np.exp(rng.uniform(math.log(0.0015), math.log(0.008), count))
        mix(retina, blots(rng, frame, places, sizes, 1.5), rng.uniform(0.2, 0.6), (0.15, 0.6, 0.4))
    if rng.random() < 0.1:
        _laser_scars(rng, eye, frame, retina)
    if rng.random() < 0.06:
        places = eye.layout.fovea + rng.normal(0, 0.1, (int(rng.integers(1, 4)), 2))
        sizes = rng.uniform(0.02, 0.09, len(places))
        bare = blots(rng, frame, places, sizes, 2.5) * (0.7 + 0.3 * texture(rng, frame.size, 40))
        mix(retina, np.asarray(bare), rng.uniform(0.3, 0.8), (0.15, 0.42, 0.2))
    if rng.random() < 0.05:
        place = rng.uniform(-0.35, 0.35, (1, 2))
        shade(retina, blots(rng, frame, place, rng.uniform(0.03, 0.08, 1), 5.0), rng.uniform(0.2, 0.5), (1.0, 0.8, 0.5))
    if rng.random() < 0.12:  # clumps of pigment
        places = rng.uniform(-0.45, 0.45, (int(rng.integers(3, 25)), 2))
        sizes = rng.uniform(0.002, 0.009, len(places))
        shade(retina, blots(rng, frame, places, sizes, 1.0), rng.uniform(0.2, 0.7), (1.0, 0.9, 0.6))


def paint_before(
    rng: np.random.Generator, eye: Eye, frame: Frame, retina: Plane, base: NDArray[np.float64]
) -> Plane | None:
    """What lies over the vessels: bleedings, cotton wool and myelinated fibres, as `paint_behind`.

    Returns:
        How much of the vessels is hidden, None where nothing is. Small bleedings hide none: observers trace on.
    """
    if rng.random() < 0.3:
        count = int(rng.integers(4, 45))
        places = 0.5 * eye.layout.fovea + rng.normal(0, rng.uniform(0.12, 0.28), (count, 2))
        sizes = rng.uniform(0.0014, 0.0034, count)
        shade(retina, blots(rng, frame, places, sizes, 0.6), rng.uniform(0.25, 0.6), _BLOOD)
    if rng.random() < 0.2:
        count = int(rng.integers(2, 16))
        places = 0.5 * eye.layout.fovea + rng.normal(0, rng.uniform(0.15, 0.28), (count, 2))
        sizes = np.exp(rng.uniform(math.log(0.004), math.log(0.02), count))
        shade(retina, blots(rng, frame, places, sizes, 1.5), rng.uniform(0.3, 0.9), _BLOOD)
    if rng.random() < 0.1:
        _flames(rng, eye, frame, retina)
    if rng.random() < 0.12:
        places = eye.layout.disc + rng.normal(0, 0.2, (int(rng.integers(1, 7)), 2))
        sizes = rng.uniform(0.008, 0.024, len(places))
        mix(retina, blots(rng, frame, places, sizes, 5.0), rng.uniform(0.3, 0.8), beside(_WHITE, base))
    hidden = None
    if rng.random() < 0.03:
        hidden = _myelin(rng, eye, frame)
        mix(retina, hidden, 0.95, beside(_WHITE, base))
    if rng.random() < 0.02:
        place = eye.layout.fovea + rng.normal(0, 0.15, (1, 2))
        pool = blots(rng, frame, place, rng.uniform(0.04, 0.12, 1), 1.5, 0.6, np.zeros(1))
        level = frame.pixels(place)[0, 1] - rng.uniform(0.0, 0.03) * frame.diameter
        pool[: int(np.clip(level, 0, frame.size))] = 0  # blood before the retina settles with a level surface
        shade(retina, pool, rng.uniform(0.7, 1.3), (0.4, 1.0, 0.9))
        hidden = pool if hidden is None else np.maximum(hidden, pool)
    return hidden


def _exudates(rng: np.random.Generator, eye: Eye) -> tuple[Points, NDArray[np.float64]]:
    """Small sharp spots in clusters or in rings."""
    groups, sizes = [], []
    for _ in range(int(rng.integers(1, 5))):
        middle = eye.layout.fovea + rng.normal(0, 0.13, 2)
        count = int(rng.integers(8, 60))
        spread = rng.uniform(0.015, 0.06)
        if rng.random() < 0.3:
            turn = rng.uniform(0, rng.uniform(2, 6.3), count)
            ring = spread * rng.normal(1.3, 0.15, (count, 1)) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
            groups.append(middle + ring)
        else:
            groups.append(middle + rng.normal(0, spread, (count, 2)))
        sizes.append(np.exp(rng.uniform(math.log(0.001), math.log(0.007), count)))
    return np.concatenate(groups), np.concatenate(sizes)


def _laser_scars(rng: np.random.Generator, eye: Eye, frame: Frame, retina: Plane) -> None:
    """Rows of round pale burns away from the macula, many with a dark middle."""
    step = rng.uniform(0.03, 0.06)
    axis = np.arange(-0.5, 0.5, step)
    grid = np.stack(np.meshgrid(axis, axis), axis=2).reshape(-1, 2) + rng.normal(0, 0.25 * step, (len(axis) ** 2, 2))
    unit = eye.layout.disc_diameter
    away = np.linalg.norm(grid - eye.layout.fovea, axis=1) > rng.uniform(1.6, 2.6) * unit
    away &= np.linalg.norm(grid - eye.layout.disc, axis=1) > unit
    turn = rng.uniform(0, 2 * np.pi)
    away &= (grid @ np.array([math.cos(turn), math.sin(turn)]) > rng.uniform(-0.5, 0.2)) & (rng.random(len(grid)) < 0.7)
    grid = grid[away]
    if len(grid) == 0:
        return
    sizes = step * rng.uniform(0.12, 0.26) * rng.lognormal(0, 0.2, len(grid))
    mix(retina, blots(rng, frame, grid, sizes, 1.3, 0.8), rng.uniform(0.3, 0.8), (0.25, 0.75, 0.6))
    dark = rng.random(len(grid)) < rng.uniform(0, 0.9)
    shade(retina, blots(rng, frame, grid[dark], 0.5 * sizes[dark], 1.0), rng.uniform(0.3, 0.9), (1.0, 0.9, 0.6))


def _flames(rng: np.random.Generator, eye: Eye, frame: Frame, retina: Plane) -> None:
    """Bleedings between nerve fibres, which draw them out along their way."""
    count = int(rng.integers(2, 25))
    turn = rng.uniform(0, 2 * np.pi, count)
    reach = eye.layout.disc_diameter * rng.uniform(0.6, 2.8, count)
    places = eye.layout.disc + reach[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    sizes = np.exp(rng.uniform(math.log(0.006), math.log(0.028), count))
    alpha = blots(rng, frame, places, sizes, 1.2, 0.1, turn + rng.normal(0, 0.15, count), 0.5)
    shade(retina, alpha, rng.uniform(0.3, 0.9), _BLOOD)


def _myelin(rng: np.random.Generator, eye: Eye, frame: Frame) -> Plane:
    """Fibres that kept their white sheath within the eye: a feathered patch at the disc's rim."""
    turn = rng.uniform(0, 2 * np.pi)
    count = 900
    ways = turn + rng.normal(0, rng.uniform(0.2, 0.5), count)
    reach = eye.layout.disc_diameter * (0.5 + rng.exponential(rng.uniform(0.15, 0.4), count))
    places = eye.layout.disc + reach[:, None] * np.stack([np.cos(ways), np.sin(ways)], axis=1)
    sizes = eye.layout.disc_diameter * rng.uniform(0.05, 0.2, count)
    return blots(rng, frame, places, sizes, 1.8, 0.05, ways + rng.normal(0, 0.12, count), 0.12)
