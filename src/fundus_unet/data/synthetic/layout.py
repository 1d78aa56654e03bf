"""Where things are in the eye and in the figure.

Units: positions and lengths are in field diameters, from the field's centre, x to the right and y down, so that a
layout does not depend on the size of the figure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""One value per pixel, (H, W)."""
Colour = NDArray[np.float32]
"""Red, green and blue per pixel, (H, W, 3)."""
Points = NDArray[np.float64]
"""Positions, (n, 2), x first."""


@dataclass(frozen=True)
class Layout:
    """One eye as one camera sees it."""

    disc: NDArray[np.float64]
    disc_diameter: float
    fovea: NDArray[np.float64]
    temporal: int
    """+1 where the fovea lies to the right of the disc (a left eye), -1 where it lies to the left."""

    def from_disc(self, points: Points) -> Points:
        """Positions given in disc diameters (u towards the fovea, v downwards across it), in field diameters."""
        axis = (self.fovea - self.disc) / np.linalg.norm(self.fovea - self.disc)
        across = self.temporal * np.array([-axis[1], axis[0]])
        return np.asarray(self.disc + self.disc_diameter * (points[:, :1] * axis + points[:, 1:] * across))


@dataclass(frozen=True)
class Frame:
    """How field diameters map to pixels."""

    size: int
    centre: tuple[float, float]
    diameter: float

    def pixels(self, points: Points) -> Points:
        return np.asarray(points * self.diameter + np.array(self.centre))

    def grid(self) -> tuple[Plane, Plane]:
        """Field coordinates (x, y) of every pixel's centre."""
        axis = np.arange(self.size, dtype=np.float32)
        x, y = np.meshgrid((axis - self.centre[0]) / self.diameter, (axis - self.centre[1]) / self.diameter)
        return x.astype(np.float32), y.astype(np.float32)


def draw_layout(rng: np.random.Generator) -> Layout:
    """A left or a right eye, centred on the macula (as DRIVE, HRF) or on the disc (as CHASE_DB1)."""
    temporal = 1 if rng.random() < 0.5 else -1
    tilt = np.deg2rad(rng.normal(6, 4))  # the fovea lies a little below the disc
    if rng.random() < 0.4:
        diameter = rng.uniform(0.19, 0.25)
        disc = rng.normal(0, 0.035, 2)
        fovea = disc + 2.5 * diameter * np.array([temporal * np.cos(tilt), np.sin(tilt)])
    else:
        diameter = rng.uniform(0.115, 0.165)
        fovea = rng.normal(0, 0.03, 2) + np.array([temporal * 0.02, 0.0])
        disc = fovea - rng.uniform(2.3, 2.7) * diameter * np.array([temporal * np.cos(tilt), np.sin(tilt)])
    return Layout(disc, float(diameter), fovea, temporal)


def draw_frame(rng: np.random.Generator, size: int) -> Frame:
    """A field that nearly fills the figure, now and then a little off its centre."""
    diameter = size * rng.uniform(0.93, 1.0)
    slack = (size - diameter) / 2
    off_x, off_y = rng.uniform(-1, 1, 2) * slack
    middle = (size - 1) / 2
    return Frame(size, (middle + off_x, middle + off_y), diameter)
