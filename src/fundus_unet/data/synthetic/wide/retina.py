"""What lies behind the vessels and lights them: pigment, choroid, nerve fibres and macula, as logarithms of light.

Everything here is smooth at the scale of two pixels and is painted at half the size.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from fundus_unet.data.synthetic.layout import Colour, Frame, Plane
from fundus_unet.data.synthetic.noise import smooth_noise
from fundus_unet.data.synthetic.wide.eye import Eye
from fundus_unet.data.synthetic.wide.family import Family
from fundus_unet.data.synthetic.wide.texture import mottled_tile, noise_tile, soft_patches, texture


@dataclass(frozen=True)
class Ground:
    """The half-sized picture and where its pixels lie.

    Shapes:
        planes are (h, w) and colours (h, w, 3).
    """

    frame: Frame
    x: Plane
    y: Plane


def draw_ground(frame: Frame) -> Ground:
    """The picture at half the size of `frame`."""
    size = max(frame.size // 2, 16)
    ratio = size / frame.size
    centre = ((frame.centre[0] + 0.5) * ratio - 0.5, (frame.centre[1] + 0.5) * ratio - 0.5)
    half = Frame(size, centre, frame.diameter * ratio)
    x, y = half.grid()
    return Ground(half, x, y)


def low_noise(rng: np.random.Generator, size: int, cells: int, octaves: int = 1, persistence: float = 0.5) -> Plane:
    """Broad noise of unit variance, painted small and enlarged.

    Shapes:
        returns (size, size) float32.
    """
    small = min(size, 8 * cells * 2 ** (octaves - 1))
    total = np.zeros((small, small), np.float32)
    for octave in range(octaves):
        total += persistence**octave * smooth_noise(rng, small, cells * 2**octave)
    total /= total.std() + 1e-6
    return np.asarray(cv2.resize(total, (size, size), interpolation=cv2.INTER_LINEAR))


def paint_retina(rng: np.random.Generator, eye: Eye, ground: Ground, family: Family) -> Colour:
    """Light the retina sends back beside its mean colour, with the camera's uneven lighting.

    Shapes:
        returns (h, w, 3), natural logarithms.
    """
    size = ground.frame.size
    pigment = float(rng.choice([rng.uniform(0.02, 0.10), rng.uniform(0.10, 0.24)], p=[0.7, 0.3])) * low_noise(
        rng, size, 2, 4, 0.6
    )
    mottling = np.float32(rng.uniform(0.012, 0.045)) * texture(rng, size, float(rng.uniform(55, 100)), mottled_tile())
    choroid, choroid_colour = _choroid(rng, eye, ground)
    fibres = _fibres(rng, eye, ground)
    broad = draw_ground(ground.frame)
    macula = _macula(rng, eye, broad)
    lighting, red_share = _lighting(rng, broad, family)
    shade = cv2.merge([np.float32(red_share) * lighting - 0.4 * macula, lighting - macula, lighting - 0.8 * macula])
    planes = (
        0.6 * pigment + 0.5 * mottling + choroid_colour[0] * choroid + 0.3 * fibres,
        pigment + mottling + choroid_colour[1] * choroid + fibres,
        pigment + 1.1 * mottling + choroid_colour[2] * choroid + 1.2 * fibres,
    )
    return np.asarray(cv2.merge(planes) + cv2.resize(shade, (size, size), interpolation=cv2.INTER_LINEAR))


def _choroid(rng: np.random.Generator, eye: Eye, ground: Ground) -> tuple[Plane, tuple[float, float, float]]:
    """Choroidal vessels: bright bands between pigment in a tessellated fundus, dark ones in a pale fundus.

    They are broad, without a reflex, run towards the vortex veins and are no retinal vessels.
    """
    kind = str(rng.choice(["none", "tessellated", "pale", "faint"], p=[0.3, 0.3, 0.12, 0.28]))
    size = ground.frame.size
    if kind == "none":
        return np.zeros((size, size), np.float32), (0.0, 0.0, 0.0)
    middle = eye.layout.disc + rng.uniform(0.0, 0.7) * (eye.layout.fovea - eye.layout.disc)
    dx, dy = ground.x - np.float32(middle[0]), ground.y - np.float32(middle[1])
    distance = cv2.sqrt(dx * dx + dy * dy) + np.float32(0.05)
    warp = low_noise(rng, size, 5)
    angle = cv2.phase(dx, dy) + np.float32(0.25) * warp
    tile = noise_tile(float(rng.choice([3.0, 5.0])))
    columns = angle * np.float32(len(tile) / (2 * np.pi))
    rows = cv2.log(distance) * np.float32(rng.uniform(45, 110)) + np.float32(rng.uniform(0, 1000)) + 6 * warp
    noise = cv2.remap(tile, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    own = np.float32(rng.uniform(0.3, 1.0)) * texture(rng, size, float(rng.uniform(14, 30)))
    ridge = 1 - np.minimum(np.abs(noise + own) * np.float32(1 / rng.uniform(0.5, 0.9)), 1)
    ridge = cv2.GaussianBlur(ridge, (0, 0), 0.0032 * ground.frame.diameter)
    where = soft_patches(low_noise(rng, size, 3), rng.uniform(0.4, 0.9))
    to_fovea = cv2.magnitude(ground.x - np.float32(eye.layout.fovea[0]), ground.y - np.float32(eye.layout.fovea[1]))
    where *= np.clip(to_fovea / np.float32(1.4 * eye.layout.disc_diameter), 0.2, 1)
    amplitude = {
        "tessellated": rng.uniform(0.08, 0.26),
        "pale": -rng.uniform(0.06, 0.2),
        "faint": rng.uniform(-0.06, 0.07),
    }
    colour = (rng.uniform(0.4, 1.1), 1.0, rng.uniform(0.2, 0.6))
    return np.asarray(np.float32(amplitude[kind]) * (ridge - ridge.mean()) * where), colour


def _fibres(rng: np.random.Generator, eye: Eye, ground: Ground) -> Plane:
    """Fine bright streaks that run out of the disc and bend around the fovea.

    Source: the course of the bundles after Jansonius et al., Vision Research 49, 2009, simplified.
    """
    unit = np.float32(1 / eye.layout.disc_diameter)
    dx = (ground.x - np.float32(eye.layout.disc[0])) * unit
    dy = (ground.y - np.float32(eye.layout.disc[1])) * unit
    distance = cv2.sqrt(dx * dx + dy * dy)
    angle = cv2.phase(dx * eye.layout.temporal, dy)
    sine = dy / (distance + np.float32(1e-3))
    bent = angle - np.float32(0.22) * sine * np.minimum(distance, 4)
    tile = noise_tile(3.0)
    columns = bent * np.float32(len(tile) / (2 * np.pi) * int(rng.integers(1, 4)))
    rows = distance * np.float32(rng.uniform(4, 12)) + np.float32(rng.uniform(0, 1000))
    streaks = cv2.remap(tile, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    reach = rng.uniform(0.9, 2.4)
    fall = (distance - 1) * np.float32(1 / reach)
    where = cv2.exp(-0.5 * fall * fall) * (0.4 + 0.6 * np.abs(sine))
    strength = rng.uniform(0.0, 0.03) if rng.random() < 0.7 else rng.uniform(0.03, 0.075)
    sheen = rng.uniform(0.0, 0.22) * soft_patches(low_noise(rng, ground.frame.size, 5), 0.5)
    return np.asarray(where * (np.float32(strength) * streaks + sheen), dtype=np.float32)


def _macula(rng: np.random.Generator, eye: Eye, ground: Ground) -> Plane:
    """Optical density of the macula: a wide soft shade with a darker middle, at times with a ring or a dot of light."""
    unit = np.float32(1 / eye.layout.disc_diameter)
    dx = (ground.x - np.float32(eye.layout.fovea[0])) * unit
    dy = (ground.y - np.float32(eye.layout.fovea[1])) * unit
    square = dx * dx + dy * dy
    shade = rng.uniform(0.05, 0.34) * cv2.exp(square * np.float32(-0.5 / rng.uniform(0.5, 0.9) ** 2))
    shade += rng.uniform(0.02, 0.32) * cv2.exp(square * np.float32(-0.5 / rng.uniform(0.15, 0.3) ** 2))
    if rng.random() < 0.25:
        shade -= rng.uniform(0.05, 0.2) * cv2.exp(square * np.float32(-0.5 / 0.05**2))
    if rng.random() < 0.15:  # the ring of light around a young macula
        ring = (cv2.sqrt(square) - np.float32(rng.uniform(0.5, 0.8))) * np.float32(1 / 0.07)
        shade -= rng.uniform(0.03, 0.12) * cv2.exp(-0.5 * ring * ring)
    return np.asarray(shade, dtype=np.float32)


def _lighting(rng: np.random.Generator, ground: Ground, family: Family) -> tuple[Plane, float]:
    """Uneven lighting, and how much of it red shows: red comes from deeper, scatters more and is lit more evenly."""
    size = ground.frame.size
    x, y = ground.x, ground.y
    uneven = family.uneven * rng.lognormal(0, 0.3)
    centre = rng.normal(0, 0.13, 2)
    width = rng.uniform(0.38, 0.95) / max(uneven, 0.6) ** 0.5
    dx, dy = x - np.float32(centre[0]), y - np.float32(centre[1])
    lighting = (dx * dx + dy * dy) * np.float32(-0.5 / width**2)
    square = np.minimum(4 * (x * x + y * y), 1.2)
    rim = cv2.pow(square, rng.uniform(1.5, 4.5))
    lighting += cv2.log(1 - np.float32(rng.uniform(0.03, min(0.3 * uneven, 0.6))) * rim)
    lighting += rng.uniform(0.02, 0.09) * uneven * low_noise(rng, size, 2)
    if rng.random() < 0.25 * uneven:  # a shadow of the pupil's rim, or of lashes, from one side
        turn = rng.uniform(0, 2 * np.pi)
        side = math.cos(turn) * x + math.sin(turn) * y + np.float32(0.05) * low_noise(rng, size, 3)
        edge = rng.uniform(0.12, 0.45)
        lighting -= rng.uniform(0.2, 0.9) * np.clip((side - edge) * np.float32(1 / 0.25), 0, 1.2)
    lighting -= float(np.mean(lighting[square < 0.95]))
    lighting = np.minimum(lighting, 0.2 + 0.35 * lighting)  # the exposure follows the brightest place
    return np.asarray(lighting, dtype=np.float32), float(rng.uniform(0.55, 1.0))
