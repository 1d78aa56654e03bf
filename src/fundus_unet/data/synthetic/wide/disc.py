"""The optic disc: its rim and cup, and the ring and crescent around it."""

import math

import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Frame, Plane
from fundus_unet.data.synthetic.wide.eye import Eye
from fundus_unet.data.synthetic.wide.retina import low_noise
from fundus_unet.data.synthetic.wide.texture import inside

_WHITE = np.log([0.97, 0.80, 0.60])
_ORANGE = np.log([0.95, 0.48, 0.12])


def paint_disc(rng: np.random.Generator, eye: Eye, frame: Frame, retina: Plane, base: NDArray[np.float64]) -> None:
    """Paint the disc over a retina, in place.

    Shapes:
        retina (3, H, W), logarithms of light beside its mean colour `base`.
    """
    radius = eye.layout.disc_diameter / 2
    box = _box(frame, eye.layout.disc, 1.9 * radius)
    if box is None:
        return
    rows, columns = box
    part = retina[:, rows, columns]
    height, width = part.shape[1:]
    x = ((np.arange(columns.start, columns.stop) - frame.centre[0]) / frame.diameter - eye.layout.disc[0]) / radius
    y = ((np.arange(rows.start, rows.stop) - frame.centre[1]) / frame.diameter - eye.layout.disc[1]) / radius
    dx, dy = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    rough = low_noise(rng, max(height, width), 7)[:height, :width]
    tilt, oval = rng.normal(0, 0.3), rng.uniform(0.8, 1.0)
    cos, sin = math.cos(tilt), math.sin(tilt)
    u, v = (cos * dx + sin * dy) / np.float32(oval), cos * dy - sin * dx
    away = np.hypot(u, v) + np.float32(rng.uniform(0.01, 0.035)) * rough
    disc = inside(1 - away, rng.uniform(0.012, 0.06))
    temporal = eye.layout.temporal
    shift = temporal * rng.uniform(0.0, 0.15)
    cup_size = float(rng.choice([rng.uniform(0.2, 0.5), rng.uniform(0.5, 0.8)], p=[0.75, 0.25]))
    cup = inside(
        cup_size - np.hypot(u - np.float32(shift), v * np.float32(rng.uniform(0.85, 1.15))), rng.uniform(0.03, 0.1)
    )
    side = np.clip(temporal * dx / np.maximum(away, 1e-3), 0, 1)
    ring = rng.uniform(-0.2, 0.25) * np.exp(-0.5 * ((away - 1.15) / rng.uniform(0.08, 0.2)) ** 2)
    if rng.random() < 0.4:  # atrophy beside the disc, most often towards the macula
        reach = 1 + rng.uniform(0.08, 0.45) * side**2
        bare = inside(reach - away, 0.03) * (1 - disc)
        ring = (
            ring + rng.uniform(0.2, 0.6) * bare - rng.uniform(0, 0.3) * np.exp(-(((away - reach) / 0.06) ** 2)) * side
        )
    colour = _WHITE + rng.uniform(0, 1) ** 1.5 * (_ORANGE - _WHITE) - np.log(base)
    rim_share = rng.uniform(0.3, 0.7)
    cup_share = min(rim_share + rng.uniform(0.12, 0.5), 1.05)
    share = np.float32(rim_share) + np.float32(cup_share - rim_share) * cup
    lit = np.float32(rng.uniform(0.85, 1.0)) * disc
    nasal = 1 - np.float32(rng.uniform(0, 0.25)) * np.clip(-temporal * dx, 0, 1)
    calm = part.mean(axis=(1, 2))
    for channel in range(3):
        face = np.float32(max(colour[channel], 0.05)) * share * nasal + np.float32(0.03) * rough
        plane = part[channel] + (0.5 if channel == 0 else 1.0) * ring
        part[channel] = plane + lit * (face + 0.6 * (calm[channel] - plane))


def _box(frame: Frame, middle: NDArray[np.float64], reach: float) -> tuple[slice, slice] | None:
    """Rows and columns of a square around a place, None where it lies outside of the frame."""
    x, y = frame.pixels(middle[None])[0]
    r = reach * frame.diameter + 2
    columns = slice(max(0, int(x - r)), min(frame.size, int(x + r) + 1))
    rows = slice(max(0, int(y - r)), min(frame.size, int(y + r) + 1))
    return (rows, columns) if rows.stop - rows.start > 1 and columns.stop - columns.start > 1 else None
