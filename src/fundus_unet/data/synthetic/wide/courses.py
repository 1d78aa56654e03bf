"""The ways of the vessels that leave the disc: arcades around the fovea, nasal ones, and small ones into the macula."""

from dataclasses import dataclass

import numpy as np

from fundus_unet.data.synthetic.layout import Points
from fundus_unet.data.synthetic.trunks import resample, wiggle
from fundus_unet.data.synthetic.wide.eye import Eye

# Control points in disc diameters from the disc's middle: u towards the fovea (at about 2.5), v across.
_ARCADE = np.array(
    [[-0.05, 0.04], [-0.06, 0.36], [0.22, 0.95], [1.00, 1.60], [2.30, 1.95], [3.70, 1.80], [5.20, 1.30], [7.00, 0.80]]
)
_OUTER = np.array(
    [[-0.05, 0.04], [-0.07, 0.36], [0.02, 1.00], [0.55, 2.00], [1.70, 2.90], [3.40, 3.55], [5.40, 3.90], [7.40, 4.10]]
)
_NASAL = np.array([[-0.06, 0.03], [-0.16, 0.33], [-0.62, 1.00], [-1.50, 1.75], [-2.90, 2.55], [-5.00, 3.70]])
_FLAT_NASAL = np.array([[-0.06, 0.02], [-0.25, 0.18], [-0.80, 0.45], [-1.70, 0.75], [-3.10, 1.10], [-5.20, 1.60]])
_T = np.linspace(0, 1, 16, endpoint=False)[:, None]
_HERMITE = np.hstack([2 * _T**3 - 3 * _T**2 + 1, _T**3 - 2 * _T**2 + _T, 3 * _T**2 - 2 * _T**3, _T**3 - _T**2])
"""Weights of begin, tangent there, end and tangent there along a cubic piece."""
_MOST = 0.58
"""How far from the field's middle a vessel matters, in field diameters."""


@dataclass(frozen=True)
class Course:
    """The way of one vessel that starts in the disc."""

    points: Points
    diameter: float
    vein: bool


def draw_courses(rng: np.random.Generator, eye: Eye) -> list[Course]:
    """Veins first. An artery runs beside its vein, crosses it here and there, and is its own where eyes differ."""
    courses: list[Course] = []
    squeeze = rng.uniform(0.72, 1.2)
    for vertical in (-1, 1):
        height = vertical * squeeze * rng.uniform(0.88, 1.12)
        for shape, width, share in ((_ARCADE, 1.0, 1.0), (_OUTER, 0.75, 0.55), (_NASAL, 0.72, 0.95)):
            if rng.random() > share:
                continue
            stretch = np.array([rng.uniform(0.85, 1.15), height])
            bent = shape * stretch + _freedom(rng, len(shape))
            alike = 1.0 if rng.random() < 0.7 else 0.0
            beside = shape * stretch + alike * (bent - shape * stretch) + _beside(rng, len(shape))
            beside = beside + (1.5 - alike) * _freedom(rng, len(shape))
            for points, diameter, vein in ((bent, eye.vein, True), (beside, eye.artery, False)):
                if vein or rng.random() < 0.93:
                    courses.append(_course(rng, eye, points, diameter * width * rng.uniform(0.82, 1.1), vein))
        for vein, diameter in ((True, eye.vein), (False, eye.artery)):
            if rng.random() < 0.6:
                points = _FLAT_NASAL * np.array([rng.uniform(0.8, 1.2), vertical * rng.uniform(0.2, 1.3)])
                points = points + _freedom(rng, len(points))
                courses.append(_course(rng, eye, points, diameter * rng.uniform(0.3, 0.6), vein))
    for _ in range(int(rng.integers(3, 9))):
        courses.append(_small(rng, eye))
    return courses


def _freedom(rng: np.random.Generator, count: int) -> Points:
    """Two eyes are the less alike the farther from the disc."""
    return np.asarray(rng.normal(0, 1, (count, 2)) * np.linspace(0.0, 0.28, count)[:, None] + rng.normal(0, 0.03, 2))


def _beside(rng: np.random.Generator, count: int) -> Points:
    """Where an artery runs beside its vein, now on one side of it and now on the other."""
    along = np.linspace(0, 1, count)
    side = rng.choice([-1, 1])
    waves = np.sin(2 * np.pi * (rng.uniform(0.3, 1.3) * along + rng.uniform(0, 0.25)))
    distance = side * (0.05 + 0.28 * np.minimum(along * 3, 1) * waves + rng.uniform(-0.15, 0.25) * along)
    return np.stack([0.4 * distance, -np.abs(distance) * 0.2 + distance], axis=1)


def _small(rng: np.random.Generator, eye: Eye) -> Course:
    """A thin vessel from the disc's rim, most often towards the macula."""
    vein = bool(rng.random() < 0.5)
    heading = rng.normal(0, 0.8) if rng.random() < 0.7 else rng.uniform(0, 2 * np.pi)
    reach = np.linspace(rng.uniform(0.25, 0.5), rng.uniform(1.0, 2.0), 5)
    turned = heading + rng.normal(0, 0.45) * (reach - reach[0])
    points = np.stack([reach * np.cos(turned), reach * np.sin(turned)], axis=1)
    return _course(rng, eye, points, (eye.vein if vein else eye.artery) * rng.uniform(0.16, 0.3), vein)


def _spline(points: Points) -> Points:
    """A smooth curve through the points: Catmull-Rom."""
    tangents = np.gradient(points, axis=0)
    begin, end, out, into = points[:-1], points[1:], tangents[:-1], tangents[1:]
    pieces = np.einsum("tk,kpd->ptd", _HERMITE, np.stack([begin, out, end, into]))
    return np.concatenate([pieces.reshape(-1, 2), points[-1:]])


def _course(rng: np.random.Generator, eye: Eye, points: Points, diameter: float, vein: bool) -> Course:
    smooth = resample(_spline(eye.layout.from_disc(points)))
    bends = 0.0030 * eye.tortuosity * rng.lognormal(0, 0.35) * (45 / eye.field_angle) * (0.9 if vein else 1.1)
    path = wiggle(rng, smooth, bends)
    within = np.flatnonzero(np.hypot(path[:, 0], path[:, 1]) < _MOST)
    end = int(within[-1]) + 1 if len(within) else 0
    return Course(path[: max(3, end)], diameter, vein)
