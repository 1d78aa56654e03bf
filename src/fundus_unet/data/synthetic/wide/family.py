"""Families of cameras: the colours, the field and the recording that go together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Family:
    """What one make of camera does alike to every eye."""

    name: str
    red: float
    green: float
    blue: float
    """Of a retina in mid light, of full scale."""
    field: str
    """`circle`, `cut` above and below, `cut_all` on four sides, or `full` frame."""
    tab: float
    """Share of images with the tab that marks the orientation."""
    grain: float
    """Noise in grey levels at mid light."""
    blur: float
    """Standard deviation of the optics' blur, in pixels of a 512-pixel field."""
    uneven: float
    """How uneven the lighting is; 1 is common."""
    sharpened: float
    """Share of images that were sharpened."""


FAMILIES = (
    Family("deep orange, dark surround", 0.58, 0.22, 0.045, "circle", 0.0, 2.2, 0.55, 1.5, 0.1),
    Family("saturated red", 0.90, 0.30, 0.20, "cut", 0.9, 1.2, 0.6, 0.8, 0.15),
    Family("bright orange", 0.80, 0.43, 0.24, "circle", 0.1, 2.0, 0.7, 0.9, 0.3),
    Family("yellow film", 0.76, 0.46, 0.20, "cut", 0.3, 3.5, 1.0, 1.2, 0.1),
    Family("orange brown", 0.60, 0.33, 0.10, "cut", 0.8, 1.5, 0.6, 1.0, 0.2),
    Family("brown", 0.42, 0.20, 0.08, "circle", 0.4, 2.0, 0.6, 1.2, 0.3),
    Family("pink", 0.80, 0.38, 0.33, "circle", 0.7, 1.5, 0.6, 0.7, 0.4),
    Family("pale", 0.82, 0.52, 0.38, "circle", 0.3, 2.0, 0.8, 0.9, 0.3),
    Family("dark red", 0.48, 0.13, 0.06, "circle", 0.5, 2.8, 0.7, 1.2, 0.2),
    Family("hand-held", 0.70, 0.34, 0.16, "cut_all", 0.1, 4.0, 1.3, 1.8, 0.5),
    Family("cropped", 0.70, 0.32, 0.15, "full", 0.0, 2.0, 0.7, 1.0, 0.3),
)
_SHARES = np.array([12, 12, 10, 9, 12, 10, 9, 8, 8, 6, 4], np.float64)


def draw_family(rng: np.random.Generator) -> Family:
    """One of `FAMILIES`, the common ones more often."""
    return FAMILIES[int(rng.choice(len(FAMILIES), p=_SHARES / _SHARES.sum()))]


def draw_colour(rng: np.random.Generator, family: Family) -> NDArray[np.float64]:
    """The colour of one retina in this family's images: pigment, exposure and white balance differ.

    Shapes:
        returns (3,).
    """
    own = np.array([family.red, family.green, family.blue])
    if rng.random() < 0.3:  # settings between two families
        other = FAMILIES[int(rng.integers(len(FAMILIES)))]
        own = own**0.6 * np.array([other.red, other.green, other.blue]) ** 0.4
    pigment = rng.normal(0, 0.16) * np.array([0.5, 1.0, 1.2])
    return np.asarray(own * np.exp(pigment + rng.normal(0, 0.10) + rng.normal(0, 0.06, 3)))
