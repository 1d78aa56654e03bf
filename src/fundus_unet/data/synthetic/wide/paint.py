"""Paint one eye of the wide variety."""

import cv2
import numpy as np

from fundus_unet.data.synthetic.figure import SyntheticFundus
from fundus_unet.data.synthetic.layout import Colour
from fundus_unet.data.synthetic.wide.aperture import draw_aperture, draw_frame
from fundus_unet.data.synthetic.wide.burnt_in import burn_in
from fundus_unet.data.synthetic.wide.courses import draw_courses
from fundus_unet.data.synthetic.wide.disc import paint_disc
from fundus_unet.data.synthetic.wide.disease import paint_before, paint_behind
from fundus_unet.data.synthetic.wide.drawing import Drawn, draw
from fundus_unet.data.synthetic.wide.eye import draw_eye
from fundus_unet.data.synthetic.wide.family import draw_colour, draw_family
from fundus_unet.data.synthetic.wide.growth import grow
from fundus_unet.data.synthetic.wide.recording import jpeg, record, stray_light
from fundus_unet.data.synthetic.wide.retina import Ground, draw_ground, low_noise, paint_retina
from fundus_unet.data.synthetic.wide.texture import soft_patches


def paint_wide(seed: int, size: int) -> SyntheticFundus:
    """Paint one eye. Equal seeds and sizes give equal figures; nothing else enters."""
    # one stream for each part: a change in how one is painted leaves the others as they were
    anatomy, tree, surface, disease, optics, marks = (
        np.random.Generator(np.random.PCG64(child)) for child in np.random.SeedSequence(seed).spawn(6)
    )
    eye, family = draw_eye(anatomy), draw_family(anatomy)
    frame = draw_frame(anatomy, size, family)
    aperture = draw_aperture(anatomy, frame, family)
    ground, base = draw_ground(frame), draw_colour(anatomy, family)
    vessels = draw(eye, frame, grow(tree, eye, draw_courses(tree, eye)))
    retina = paint_retina(surface, eye, ground, family) + _sheen(disease, ground, vessels)
    light: Colour = np.asarray(cv2.resize(retina, (size, size), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    paint_disc(surface, eye, frame, light, base)
    paint_behind(disease, eye, frame, light, base)
    _absorb(tree, ground, vessels, light)
    hidden = paint_before(disease, eye, frame, light, base)
    light = np.asarray(cv2.exp(light), dtype=np.float32)
    left, added = (np.asarray(cv2.resize(part, (size, size)), dtype=np.float32) for part in stray_light(optics, ground))
    scene = [light[..., channel] * (left * np.float32(base[channel])) + added[..., channel] for channel in range(3)]
    image = record(optics, frame, family, scene, aperture)
    label = vessels.label & aperture
    if hidden is not None:
        label &= hidden < 0.75
    field = aperture
    says = marks.random()
    if says < 0.12:
        label &= ~burn_in(marks, image, over_field=bool(says < 0.05))
        if says > 0.1:  # a border so written on may not be told from the field
            field = np.ones_like(aperture)
    return SyntheticFundus(jpeg(optics, image), label.astype(np.uint8), field)


def _sheen(rng: np.random.Generator, ground: Ground, vessels: Drawn) -> Colour:
    """The glassy reflections of a young retina: bright patches along the large vessels."""
    size = ground.frame.size
    if rng.random() > 0.45:
        return np.zeros(3, np.float32)
    blood = cv2.resize(np.maximum(vessels.artery, vessels.vein), (size, size), interpolation=cv2.INTER_AREA)
    beside = cv2.GaussianBlur(blood, (0, 0), rng.uniform(0.008, 0.02) * ground.frame.diameter)
    sheen = np.clip(beside - 0.5 * blood, 0, None) * soft_patches(low_noise(rng, size, 7), 0.35)
    sheen *= 0.6 + 0.4 * low_noise(rng, size, 40)
    return np.asarray(sheen[..., None] * (rng.uniform(0.04, 0.16) * np.array([0.5, 1.0, 1.2])), dtype=np.float32)


def _absorb(rng: np.random.Generator, ground: Ground, vessels: Drawn, light: Colour) -> None:
    """The light that blood takes away, in place; red is hardly taken, by arteries least of all."""
    size = light.shape[0]
    artery = np.float32(rng.uniform(0.66, 0.92)) * vessels.artery
    upper, lower = np.maximum(artery, vessels.vein), np.minimum(artery, vessels.vein)
    depth = cv2.sqrt(upper + np.float32(0.3) * lower)  # to the power of 3/4: thin vessels are seen better than that
    uneven = cv2.resize(cv2.exp(np.float32(0.18) * low_noise(rng, ground.frame.size, 9)), (size, size))
    blood = depth * cv2.sqrt(depth) * uneven * np.float32(rng.lognormal(np.log(0.30), 0.25))
    blood = blood / (1 + blood * np.float32(1 / 1.1))
    shine = np.float32(rng.uniform(0.2, 1.0) if rng.random() < 0.8 else 0.0)
    red = np.where(artery >= vessels.vein, np.float32(rng.uniform(0.08, 0.22)), np.float32(rng.uniform(0.2, 0.42)))
    light[..., 0] -= blood * red
    blood = blood * (1 - shine * np.minimum(cv2.GaussianBlur(vessels.reflex, (0, 0), 0.6 * max(size / 512, 0.5)), 1))
    light[..., 1] -= blood
    light[..., 2] -= np.float32(rng.uniform(0.5, 1.0)) * blood
