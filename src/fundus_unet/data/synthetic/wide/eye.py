"""One eye as one camera is pointed at it: what the parts of a picture have to agree on."""

import math
from dataclasses import dataclass

import numpy as np

from fundus_unet.data.synthetic.layout import Layout

_DISC_DEGREES = 6.1
_FOVEA_DEGREES = 15.6


@dataclass(frozen=True)
class Eye:
    """Where its parts lie and how its vessels are built.

    Units:
        lengths in field diameters, angles in degrees.
    """

    layout: Layout
    field_angle: float
    vein: float
    """Diameter of a main vein where it leaves the disc."""
    artery: float
    tip: float
    """Diameter at which a vessel is lost from sight."""
    spacing: float
    """The widest gap that is left without a branch."""
    tortuosity: float
    """1 is a common eye."""
    clarity: float
    """1 of a clear picture; less, and haze and blur hide fine vessels from the camera and from the observer."""
    unseen: float
    """Diameter below which the observer left vessels out of the label."""
    drawn_wider: float
    """By how much the observer drew every vessel wider than it is."""


def draw_eye(rng: np.random.Generator) -> Eye:
    """An eye and where the camera looks: at the macula, the disc, between them or at the periphery.

    Source:
        Disc of 1.8 mm and fovea 4.5 mm from its middle, at 0.29 mm per degree: Hogan, Alvarado and Weddell, Histology
        of the Human Eye, 1971. Ratio of arteries to veins: Hubbard et al., Ophthalmology 106, 1999.
    """
    angle = float(rng.choice([rng.uniform(28, 36), rng.uniform(40, 52), rng.uniform(52, 64)], p=[0.3, 0.42, 0.28]))
    temporal = 1 if rng.random() < 0.5 else -1
    diameter = _DISC_DEGREES / angle * float(np.clip(rng.normal(1, 0.09), 0.78, 1.25))
    tilt = math.radians(rng.normal(6, 4))  # the fovea lies a little below the disc
    way = _FOVEA_DEGREES / angle * rng.uniform(0.92, 1.08) * np.array([temporal * math.cos(tilt), math.sin(tilt)])
    looks = rng.random()
    if looks < 0.45:
        disc = rng.normal(0, 0.03, 2) - way * rng.uniform(0.85, 1.05)
    elif looks < 0.75:
        disc = rng.normal(0, 0.04, 2)
    elif looks < 0.9:
        disc = rng.normal(0, 0.04, 2) - 0.5 * way
    else:
        turn = rng.uniform(0, 2 * np.pi)
        disc = rng.uniform(0.15, 0.42) * np.array([math.cos(turn), math.sin(turn)])
    if np.hypot(*disc) > 0.46:  # of a small field that is centred on the macula, the disc stays in view as a rule
        disc = disc * (0.46 / np.hypot(*disc)) if rng.random() < 0.8 else disc * (0.56 / np.hypot(*disc))
    layout = Layout(disc, float(diameter), disc + way, temporal)
    vein = 0.44 / angle * float(np.clip(rng.lognormal(0, 0.17), 0.62, 1.3))
    artery = vein * float(np.clip(rng.normal(0.70, 0.07), 0.5, 0.88))
    tip = 0.035 / angle * rng.uniform(0.85, 1.3) + 0.0004
    tortuosity = float(np.clip(rng.lognormal(0, 0.4), 0.45, 2.3))
    spacing = 1.4 / angle * float(np.clip(rng.lognormal(0, 0.18), 0.72, 1.6))
    clarity = float(rng.choice([rng.uniform(0.8, 1.0), rng.uniform(0.4, 0.8)], p=[0.8, 0.2]))
    unseen = tip * float(rng.choice([rng.uniform(0.6, 0.95), rng.uniform(0.95, 1.35)], p=[0.8, 0.2])) / clarity**0.5
    drawn_wider = float(rng.uniform(-0.0013, 0.0004))
    return Eye(layout, angle, vein, artery, tip, spacing, tortuosity, clarity, unseen, drawn_wider)
