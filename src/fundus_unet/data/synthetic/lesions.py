"""What disease and reflections put on a retina: most of it looks like a vessel to a threshold and is none."""

import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Colour, Frame, Layout, Plane
from fundus_unet.data.synthetic.noise import patches, smooth_noise

_BLOOD = np.array([0.30, 1.0, 0.8], np.float32)


def paint_lesions(rng: np.random.Generator, layout: Layout, frame: Frame, retina: Colour) -> Colour:
    """Microaneurysms, haemorrhages, exudates, cotton-wool spots and drusen, on some of the eyes."""
    if rng.random() < 0.35:
        dots = _blobs(rng, layout, frame, int(rng.integers(4, 40)), 0.0014, 0.0032, 0.15)
        retina = retina * np.exp(-rng.uniform(0.2, 0.45) * dots[..., None] * _BLOOD)
    if rng.random() < 0.25:
        blots = _blobs(rng, layout, frame, int(rng.integers(2, 14)), 0.004, 0.016, 0.55)
        retina = retina * np.exp(-rng.uniform(0.3, 0.8) * blots[..., None] * _BLOOD)
    if rng.random() < 0.22:
        clusters = _exudates(rng, layout, frame)
        retina = _towards(retina, rng.uniform(0.4, 0.9) * clusters, np.array([1.15, 2.1, 1.6], np.float32))
    if rng.random() < 0.15:
        wool = _blobs(rng, layout, frame, int(rng.integers(1, 6)), 0.010, 0.022, 0.9)
        retina = _towards(retina, rng.uniform(0.4, 0.8) * wool, np.array([1.1, 1.9, 2.2], np.float32))
    if rng.random() < 0.25:
        drusen = _blobs(rng, layout, frame, int(rng.integers(15, 80)), 0.002, 0.006, 0.4)
        retina = _towards(retina, rng.uniform(0.15, 0.4) * drusen, np.array([1.1, 1.6, 1.4], np.float32))
    return np.asarray(retina, dtype=np.float32)


def paint_sheen(rng: np.random.Generator, frame: Frame, blood: Plane, beside: Plane, retina: Colour) -> Colour:
    """The glassy reflections of a young retina: bright patches along the large vessels."""
    if rng.random() < 0.45:
        texture = 0.6 + 0.4 * smooth_noise(rng, frame.size, 60)
        light = np.clip(beside - 0.6 * blood, 0, None) * patches(rng, frame.size, 7, 0.3) * texture
        retina = retina * np.exp(rng.uniform(0.04, 0.14) * light[..., None] * np.array([0.5, 1.0, 1.2], np.float32))
    return np.asarray(retina, dtype=np.float32)


def _towards(retina: Colour, alpha: Plane, gain: NDArray[np.float32]) -> Colour:
    mean = retina.reshape(-1, 3).mean(axis=0)
    return np.asarray(retina + alpha[..., None] * (mean * gain - retina).clip(0), dtype=np.float32)


def _exudates(rng: np.random.Generator, layout: Layout, frame: Frame) -> Plane:
    """Small sharp spots in clusters."""
    total = np.zeros((frame.size, frame.size), np.float32)
    for _ in range(int(rng.integers(1, 4))):
        middle = layout.fovea + rng.normal(0, 0.12, 2)
        count = int(rng.integers(8, 50))
        places = middle + rng.normal(0, rng.uniform(0.015, 0.05), (count, 2))
        sizes = rng.uniform(0.0015, 0.006, count)
        for place, size in zip(places, sizes, strict=True):
            _stamp(total, frame, place, float(size), rng.uniform(0.5, 1.0), rng.uniform(0, np.pi), 0.35)
    return total


def _blobs(
    rng: np.random.Generator, layout: Layout, frame: Frame, count: int, smallest: float, largest: float, softness: float
) -> Plane:
    total = np.zeros((frame.size, frame.size), np.float32)
    spread = rng.uniform(0.12, 0.3)
    for _ in range(count):
        place = 0.5 * layout.fovea + rng.normal(0, spread, 2)
        size = float(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
        _stamp(total, frame, place, size, rng.uniform(0.45, 1.0), rng.uniform(0, np.pi), softness)
    return total


def _stamp(
    total: Plane,
    frame: Frame,
    place: NDArray[np.float64],
    radius: float,
    oval: float,
    turn: float,
    softness: float,
) -> None:
    """Draw one soft ellipse into `total`, in place; softness 0 is a disc, 1 a bell."""
    cx, cy = frame.pixels(place[None])[0]
    r = max(radius * frame.diameter, 0.7)
    reach = int(np.ceil(2.2 * r)) + 1
    left, top = round(cx) - reach, round(cy) - reach
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + 2 * reach + 1, frame.size), min(top + 2 * reach + 1, frame.size)
    if x0 >= x1 or y0 >= y1:
        return
    dx = np.arange(x0, x1)[None] - cx
    dy = np.arange(y0, y1)[:, None] - cy
    u, v = np.cos(turn) * dx + np.sin(turn) * dy, (np.cos(turn) * dy - np.sin(turn) * dx) / oval
    wobble = 1 + 0.18 * np.sin(3 * np.arctan2(v, u) + 7 * turn) + 0.1 * np.sin(5 * np.arctan2(v, u) + 3 * turn)
    inside = 1 / (1 + np.exp(np.clip((np.hypot(u, v) / (r * wobble) - 1) / (0.08 + 0.25 * softness), -30, 30)))
    total[y0:y1, x0:x1] = np.maximum(total[y0:y1, x0:x1], inside)
