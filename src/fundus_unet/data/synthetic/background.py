"""The retina without its vessels: colour, pigment, choroid, nerve fibres, fovea and optic disc."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Colour, Frame, Layout, Plane
from fundus_unet.data.synthetic.noise import blurred, octave_noise, patches, smooth_noise

# Red, green and blue of a retina in mid light, as cameras render them: orange, red, pink, brown, yellowish.
_PALETTES = np.array(
    [
        [0.74, 0.23, 0.05],
        [0.78, 0.22, 0.13],
        [0.80, 0.37, 0.31],
        [0.52, 0.20, 0.07],
        [0.66, 0.31, 0.11],
        [0.88, 0.23, 0.04],
    ]
)


def paint_background(rng: np.random.Generator, layout: Layout, frame: Frame) -> Colour:
    """Light the retina sends back, before vessels, lesions and lighting. Units: 1 is the camera's full scale."""
    mix = rng.dirichlet(np.full(len(_PALETTES), 0.35))
    base = ((mix @ _PALETTES) * np.exp(rng.normal(0, 0.10, 3) + rng.normal(0, 0.12))).astype(np.float32)
    x, y = frame.grid()
    pigment = float(rng.choice([rng.uniform(0.03, 0.13), rng.uniform(0.12, 0.26)], p=[0.7, 0.3])) * octave_noise(
        rng, frame.size, 2, 4, 0.6
    )
    mottling = rng.uniform(0.02, 0.065) * octave_noise(rng, frame.size, 24, 4, 0.85)
    choroid = _choroid(rng, layout, frame, x, y)
    fibres = _nerve_fibres(rng, layout, frame, x, y)
    fovea = _fovea(rng, layout, x, y)
    log_light = np.stack(
        [
            0.65 * pigment + 0.6 * mottling + 0.9 * choroid + 0.3 * fibres - 0.4 * fovea,
            pigment + mottling + 0.8 * choroid + fibres - fovea,
            pigment + 1.1 * mottling + 0.5 * choroid + 1.2 * fibres - 0.8 * fovea,
        ],
        axis=-1,
    )
    retina = (base * np.exp(log_light)).astype(np.float32)
    return _with_disc(rng, layout, frame, retina, base, x, y)


def _choroid(rng: np.random.Generator, layout: Layout, frame: Frame, x: Plane, y: Plane) -> Plane:
    """Broad bands that show through a lightly pigmented retina; they are not retinal vessels."""
    size = frame.size
    amplitude = float(rng.choice([0.0, rng.uniform(0.02, 0.06), rng.uniform(0.05, 0.12)], p=[0.2, 0.4, 0.4]))
    middle = 0.5 * (layout.disc + layout.fovea)
    distance = np.hypot(x - float(middle[0]), y - float(middle[1])) + 0.05
    angle = np.arctan2(y - float(middle[1]), x - float(middle[0])) + 0.35 * smooth_noise(rng, size, 3)
    rings = rng.standard_normal((int(rng.integers(7, 12)), int(rng.integers(60, 110))), dtype=np.float32)
    rings[:, -1] = rings[:, 0]
    columns = np.mod(angle / (2 * np.pi), 1.0) * (rings.shape[1] - 1)
    rows = np.clip(np.log(distance / 0.05) / math.log(15) * (rings.shape[0] - 1), 0, rings.shape[0] - 1)
    bands = cv2.remap(rings, columns.astype(np.float32), rows.astype(np.float32), cv2.INTER_CUBIC)
    bands = 0.7 * bands + 0.6 * smooth_noise(rng, size, int(rng.integers(14, 24)))
    bands = blurred(np.tanh(1.3 * bands), 0.004 * frame.diameter)
    where = patches(rng, size, 3, 0.55) * np.clip(distance / 0.25, 0.15, 1.0)
    return np.asarray(amplitude * bands * where, dtype=np.float32)


def _nerve_fibres(rng: np.random.Generator, layout: Layout, frame: Frame, x: Plane, y: Plane) -> Plane:
    """Fine bright streaks that run out of the disc along the arcades."""
    dx, dy = x - float(layout.disc[0]), y - float(layout.disc[1])
    distance = np.hypot(dx, dy) / layout.disc_diameter
    angle = np.arctan2(dy, dx * layout.temporal)
    bent = angle - 0.22 * np.sin(angle) * np.minimum(distance, 4)
    streaks = rng.standard_normal((12, 720), dtype=np.float32)
    streaks = blurred(streaks, 1.2)
    columns = np.mod(bent / (2 * np.pi), 1.0).astype(np.float32) * 719
    rows = np.clip(distance * 3, 0, 11).astype(np.float32)
    light = cv2.remap(streaks / streaks.std(), columns, rows, cv2.INTER_LINEAR)
    where = np.exp(-0.5 * ((distance - 1.0) / 0.9) ** 2) * (0.4 + 0.6 * np.abs(np.sin(angle)))
    sheen = where * patches(rng, frame.size, 5, 0.5)
    return np.asarray(rng.uniform(0.004, 0.024) * light * where + rng.uniform(0.0, 0.22) * sheen, dtype=np.float32)


def _fovea(rng: np.random.Generator, layout: Layout, x: Plane, y: Plane) -> Plane:
    """Optical density of the macula: a wide soft shade with a darker middle."""
    distance = np.hypot(x - float(layout.fovea[0]), y - float(layout.fovea[1])) / layout.disc_diameter
    wide = rng.uniform(0.08, 0.32) * np.exp(-0.5 * (distance / rng.uniform(0.5, 0.8)) ** 2)
    middle = rng.uniform(0.05, 0.30) * np.exp(-0.5 * (distance / rng.uniform(0.16, 0.28)) ** 2)
    glint = float(rng.choice([0.0, rng.uniform(0.05, 0.15)])) * np.exp(-0.5 * (distance / 0.05) ** 2)
    return np.asarray(wide + middle - glint, dtype=np.float32)


def _with_disc(
    rng: np.random.Generator,
    layout: Layout,
    frame: Frame,
    retina: Colour,
    base: NDArray[np.float32],
    x: Plane,
    y: Plane,
) -> Colour:
    """The bright disc with its brighter cup, and the ring of thinner or denser pigment around it."""
    dx = (x - float(layout.disc[0])) / layout.disc_diameter
    dy = (y - float(layout.disc[1])) / layout.disc_diameter
    tilt, oval = rng.normal(0, 0.25), rng.uniform(0.85, 1.0)
    cos, sin = math.cos(tilt), math.sin(tilt)
    u, v = (cos * dx + sin * dy) / oval, cos * dy - sin * dx
    rough = 0.035 * smooth_noise(rng, frame.size, 14)
    radius = 2 * np.hypot(u, v) + rough
    disc = _inside(1.0 - radius, rng.uniform(0.02, 0.07))
    shift = layout.temporal * rng.uniform(0.0, 0.12)
    cup_size = rng.uniform(0.3, 0.6)
    cup = _inside(cup_size - 2 * np.hypot(u - shift, v * rng.uniform(0.85, 1.1)) - rough, rng.uniform(0.05, 0.12))
    ring = rng.uniform(-0.14, 0.25) * np.exp(-0.5 * ((radius - 1.12) / 0.12) ** 2)
    crescent = float(rng.choice([0.0, rng.uniform(0.1, 0.4)], p=[0.6, 0.4]))
    side = np.clip(layout.temporal * dx / np.maximum(np.hypot(dx, dy), 1e-3), 0, 1)
    ring = ring + crescent * side**2 * np.exp(-0.5 * ((radius - 1.08) / 0.07) ** 2)
    rim_colour = base * rng.uniform([1.15, 1.7, 1.5], [1.45, 2.5, 2.6]).astype(np.float32)
    cup_colour = base * rng.uniform([1.3, 2.6, 2.6], [1.7, 3.8, 4.5]).astype(np.float32)
    retina = retina * np.exp(ring)[..., None]
    shade = np.exp(0.05 * smooth_noise(rng, frame.size, 40))[..., None]
    face = (rim_colour + cup[..., None] * (cup_colour - rim_colour)) * shade
    alpha = (rng.uniform(0.82, 1.0) * disc)[..., None]
    return np.asarray(retina + alpha * (face - retina), dtype=np.float32)


def _inside(depth: Plane, softness: float) -> Plane:
    return np.asarray(1 / (1 + np.exp(-np.clip(depth / softness, -30, 30))), dtype=np.float32)
