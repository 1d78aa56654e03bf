"""The vessels that leave the optic disc: two temporal arcades around the fovea, two nasal ones and some small ones."""

from dataclasses import dataclass

import numpy as np

from fundus_unet.data.synthetic.layout import Layout, Points

STEP = 1 / 200
"""Distance of two nodes of a vessel, in field diameters."""
_LEAVES = 0.53

# Control points in disc diameters from the disc's centre: u towards the fovea (which lies at about u = 2.5), v across.
_TEMPORAL = np.array(
    [[-0.10, 0.02], [-0.06, 0.34], [0.30, 0.98], [1.10, 1.62], [2.40, 1.95], [3.80, 1.75], [5.40, 1.10], [7.00, 0.50]]
)
_NASAL = np.array([[-0.12, 0.02], [-0.22, 0.34], [-0.75, 1.05], [-1.65, 1.80], [-3.00, 2.60], [-5.00, 3.80]])
_STEEP = np.array([[-0.10, 0.02], [-0.14, 0.34], [-0.05, 1.00], [0.15, 2.00], [0.40, 3.20], [0.60, 5.00]])


@dataclass(frozen=True)
class Trunk:
    """A vessel that starts in the disc. Units: field diameters."""

    points: Points
    diameter: float
    generation: int
    leaves_field: bool


def draw_trunks(
    rng: np.random.Generator, layout: Layout, *, diameter: float, tortuosity: float, side: int
) -> list[Trunk]:
    """The trunks of one tree; `side` (+1 or -1) keeps an artery off the vein that runs with it."""
    trunks = []
    for vertical in (-1, 1):
        for shape, width in ((_TEMPORAL, 1.0), (_NASAL, 0.78)):
            stretch = np.array([rng.uniform(0.9, 1.1), vertical * rng.uniform(0.8, 1.12)])
            points = shape * stretch * _spread(len(shape), side * 0.07)
            trunks.append(_trunk(rng, layout, points, diameter * width * rng.uniform(0.85, 1.08), tortuosity, 0))
        if rng.random() < 0.45:
            points = _STEEP * np.array([rng.uniform(-1.5, 1.5), vertical])
            trunks.append(_trunk(rng, layout, points, diameter * rng.uniform(0.4, 0.65), tortuosity, 1))
    for _ in range(int(rng.integers(0, 3))):
        heading = np.pi + rng.normal(0, 0.45)
        trunks.append(_radial(rng, layout, heading, 0.03, 4.5, diameter * rng.uniform(0.25, 0.5), tortuosity))
    for _ in range(int(rng.integers(1, 3))):
        heading = rng.normal(0, 0.55)
        trunks.append(_radial(rng, layout, heading, 0.03, rng.uniform(1.2, 1.7), diameter * 0.22, tortuosity))
    return trunks


def resample(curve: Points) -> Points:
    """The curve with nodes `STEP` apart."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    count = max(3, round(length[-1] / STEP) + 1)
    at = np.linspace(0, length[-1], count)
    return np.stack([np.interp(at, length, curve[:, 0]), np.interp(at, length, curve[:, 1])], axis=1)


def wiggle(rng: np.random.Generator, points: Points, amplitude: float) -> Points:
    """Bend a vessel from side to side: slow bends larger than quick ones, none where it starts."""
    count = len(points)
    along = np.arange(count) * STEP
    shift = np.zeros(count)
    for wavelength, share in ((0.22, 1.0), (0.11, 0.55), (0.055, 0.22), (0.03, 0.09)):
        drift = rng.uniform(0.8, 1.25) * wavelength
        shift += share * rng.normal() * np.sin(2 * np.pi * along / drift + rng.uniform(0, 2 * np.pi))
    shift = (shift - shift[0]) * np.minimum(along / 0.06, 1.0)
    step = np.gradient(points, axis=0)
    tangent = step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    return np.asarray(points + amplitude * shift[:, None] * normal)


def _spread(count: int, amount: float) -> Points:
    """Factors that part an artery's way from its vein's more and more away from the disc."""
    return np.asarray(1 + amount * np.linspace(0.3, 1.5, count)[:, None] * np.array([[-1.0, 1.0]]))


def _radial(
    rng: np.random.Generator,
    layout: Layout,
    heading: float,
    start: float,
    length: float,
    diameter: float,
    tortuosity: float,
) -> Trunk:
    bend = rng.normal(0, 0.25)
    reach = np.linspace(start, length, 5)
    turned = heading + bend * (reach - start) / length
    points = np.stack([reach * np.cos(turned) - 0.08, reach * np.sin(turned)], axis=1)
    return _trunk(rng, layout, points, diameter, tortuosity, 2, looseness=0.25)


def _trunk(
    rng: np.random.Generator,
    layout: Layout,
    points: Points,
    diameter: float,
    tortuosity: float,
    generation: int,
    looseness: float = 1.0,
) -> Trunk:
    # the farther from the disc, the less two eyes are alike
    freedom = np.linspace(0.05, 0.30, len(points))[:, None] * np.minimum(np.arange(len(points)), 3)[:, None] / 3
    points = points + looseness * rng.normal(0, 1, points.shape) * (0.02 + freedom)
    path = wiggle(rng, resample(_spline(layout.from_disc(points))), tortuosity)
    outside = np.flatnonzero(np.linalg.norm(path, axis=1) > _LEAVES)
    leaves = bool(len(outside))
    return Trunk(path[: max(3, int(outside[0]))] if leaves else path, diameter, generation, leaves)


def _spline(points: Points) -> Points:
    """A smooth curve through the points: Catmull-Rom, whose pieces have the tangents of their neighbours' chords."""
    tangents = np.gradient(points, axis=0)
    t = np.linspace(0, 1, 24, endpoint=False)[:, None]
    pieces = [
        (2 * t**3 - 3 * t**2 + 1) * points[i]
        + (t**3 - 2 * t**2 + t) * tangents[i]
        + (3 * t**2 - 2 * t**3) * points[i + 1]
        + (t**3 - t**2) * tangents[i + 1]
        for i in range(len(points) - 1)
    ]
    return np.concatenate([*pieces, points[-1:]])
