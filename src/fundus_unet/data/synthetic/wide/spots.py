"""Uneven spots, and how they lighten or darken a retina that is given as logarithms of light."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Frame, Plane, Points

_SHIFT = 4


def beside(colour: tuple[float, float, float], base: NDArray[np.float64]) -> tuple[float, float, float]:
    """How much lighter than the retina's mean colour a colour is, as logarithms; never darker."""
    red, green, blue = (max(math.log(value / mean), 0.05) for value, mean in zip(colour, base.tolist(), strict=True))
    return red, green, blue


def mix(retina: Plane, alpha: Plane, strength: float, gain: tuple[float, float, float]) -> None:
    """Move towards a lighter colour, given beside the retina's mean, in place and only where something is."""
    box = _where(alpha)
    if box is None:
        return
    cover = np.float32(strength) * alpha[box]
    for channel, value in enumerate(gain):
        plane = retina[(channel, *box)]
        plane += cover * np.maximum(np.float32(value) - plane, 0)


def shade(retina: Plane, alpha: Plane, strength: float, share: tuple[float, float, float]) -> None:
    """Take away light, in place and only where something is; `share` is how much of it each colour loses."""
    box = _where(alpha)
    if box is None:
        return
    cover = np.float32(strength) * alpha[box]
    for channel, value in enumerate(share):
        retina[(channel, *box)] -= np.float32(value) * cover


def _where(alpha: Plane) -> tuple[slice, slice] | None:
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    return (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else None


def blots(
    rng: np.random.Generator,
    frame: Frame,
    places: Points,
    sizes: NDArray[np.float64],
    softness: float,
    oval: float = 0.5,
    along: NDArray[np.float64] | None = None,
    widest: float = 1.0,
) -> Plane:
    """Uneven spots in [0, 1].

    Args:
        softness: Standard deviation of the blur of their edge, in pixels of a 512-pixel field.
        oval, widest: The least and the greatest ratio of width to length.
        along: Direction of each spot's length; random without it.

    Shapes:
        places (n, 2) and sizes (n,) in field diameters; returns (H, W).
    """
    plane = np.zeros((frame.size, frame.size), np.uint8)
    count = len(places)
    centres, radii = frame.pixels(places), np.maximum(sizes * frame.diameter, 0.6)
    turn = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    wobble = 1 + 0.16 * rng.standard_normal((count, 1)) * np.sin(2 * turn + rng.uniform(0, 6.3, (count, 1)))
    wobble += 0.13 * rng.standard_normal((count, 1)) * np.sin(3 * turn + rng.uniform(0, 6.3, (count, 1)))
    wobble += 0.05 * rng.standard_normal((count, 20))
    ways = rng.uniform(0, np.pi, count) if along is None else along
    u = radii[:, None] * wobble * np.cos(turn)
    v = radii[:, None] * wobble * np.sin(turn) * rng.uniform(oval, widest, (count, 1))
    cos, sin = np.cos(ways)[:, None], np.sin(ways)[:, None]
    outline = np.stack([centres[:, :1] + cos * u - sin * v, centres[:, 1:] + sin * u + cos * v], axis=2)
    points = np.round(np.clip(outline, -2e4, 2e4) * 2**_SHIFT).astype(np.int32)
    for one, value in zip(points, rng.uniform(150, 255, count).tolist(), strict=True):
        cv2.fillPoly(plane, [one], value, cv2.LINE_AA, _SHIFT)
    if softness > 0:
        sigma = max(softness * frame.diameter / 512, 0.3)
        plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), dtype=np.uint8)
    return np.asarray(plane * np.float32(1 / 255), dtype=np.float32)
