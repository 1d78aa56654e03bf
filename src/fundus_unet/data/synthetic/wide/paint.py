"""Paint one eye of the wide variety."""

import cv2
import numpy as np

from fundus_unet.data.synthetic.figure import SyntheticFundus
from fundus_unet.data.synthetic.layout import Colour, Plane
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
    light = np.empty((3, size, size), np.float32)
    for plane, smooth in zip(light, cv2.split(retina), strict=True):
        cv2.resize(smooth, (size, size), dst=plane, interpolation=cv2.INTER_LINEAR)
    paint_disc(surface, eye, frame, light, base)
    paint_behind(disease, eye, frame, light, base)
    _absorb(tree, ground, vessels, light)
    hidden = paint_before(disease, eye, frame, light, base)
    haze, milk, stray = stray_light(optics, eye, ground)
    haze = np.asarray(cv2.resize(haze, (size, size)))
    left = 1 - haze
    for channel, plane in enumerate(light):
        cv2.exp(plane, dst=plane)
        cv2.multiply(plane, left, dst=plane, scale=base[channel])
        cv2.scaleAdd(haze, milk[channel], plane, dst=plane)
        if stray is not None:
            plane += cv2.resize(stray[..., channel], (size, size))
    image = record(optics, eye, frame, family, list(light), aperture)
    label = vessels.label & aperture
    if hidden is not None:
        label &= hidden < 0.75
    says = marks.random()
    if says < 0.1:  # what is written beside the field is dark to the network, what is written over it is not
        label &= ~burn_in(marks, image, over_field=bool(says < 0.06))
    return SyntheticFundus(jpeg(optics, image), label.astype(np.uint8), aperture)


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


def _absorb(rng: np.random.Generator, ground: Ground, vessels: Drawn, light: Plane) -> None:
    """The light that blood takes away, in place; red is hardly taken, by arteries least of all."""
    size = light.shape[1]
    artery = np.float32(rng.uniform(0.66, 0.92)) * vessels.artery
    upper = np.maximum(artery, vessels.vein)
    depth = upper + np.float32(0.3) * np.minimum(artery, vessels.vein)
    root = cv2.sqrt(depth)  # to the power of 3/4, since thin vessels are seen better than in proportion to their depth
    blood = np.multiply(root, cv2.sqrt(root), out=depth)
    uneven = cv2.exp(
        np.float32(0.18) * low_noise(rng, ground.frame.size, 9) + np.float32(rng.normal(np.log(0.40), 0.28))
    )
    blood *= cv2.resize(uneven, (size, size))
    blood /= 1 + blood * np.float32(1 / 1.1)
    red, in_vein = rng.uniform(0.08, 0.22), rng.uniform(0.2, 0.42)
    shine = np.float32(rng.uniform(0.2, 1.0) if rng.random() < 0.8 else 0.0)
    share = np.float32(red) + np.float32(in_vein - red) * (vessels.vein > artery)
    light[0] -= share * blood
    reflex = cv2.GaussianBlur(vessels.reflex, (0, 0), 0.6 * max(size / 512, 0.5))
    blood *= 1 - shine * np.minimum(reflex, 1)
    light[1] -= blood
    light[2] -= np.float32(rng.uniform(0.5, 1.0)) * blood
