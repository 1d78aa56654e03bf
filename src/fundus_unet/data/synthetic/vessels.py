"""The arteries and the veins of one eye, and the light they take away."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Colour, Frame, Layout, Plane, Points
from fundus_unet.data.synthetic.murray import tree_diameters
from fundus_unet.data.synthetic.noise import smooth_noise
from fundus_unet.data.synthetic.trunks import draw_trunks
from fundus_unet.data.synthetic.vessel_rendering import VesselPaint, render_tree
from fundus_unet.data.synthetic.vessel_tree import Branch, Habit, grow_tree


@dataclass(frozen=True)
class Vessels:
    """What the appearance needs to know of both trees."""

    absorption: Colour
    """Optical density: the figure is multiplied by exp(-absorption)."""
    label: NDArray[np.bool_]
    wide: Plane
    """Depth of blood of both trees, for what is painted beside large vessels."""


def draw_vessels(rng: np.random.Generator, layout: Layout, frame: Frame) -> Vessels:
    """Grow, measure and render both trees."""
    vein = 0.0172 * (layout.disc_diameter / 0.22) ** 0.7 * rng.uniform(0.9, 1.08)
    artery = vein * rng.uniform(0.66, 0.82)
    spacing = rng.uniform(0.065, 0.100)
    tortuosity = float(np.clip(rng.lognormal(np.log(0.0046), 0.45), 0.0015, 0.011))
    veins, nodes = _draw_tree(rng, layout, frame, vein, spacing, tortuosity, side=1, other=np.empty((0, 2)))
    arteries, _ = _draw_tree(rng, layout, frame, artery, spacing, 1.15 * tortuosity, side=-1, other=nodes)
    return _combine(rng, frame, arteries, veins)


def _draw_tree(
    rng: np.random.Generator,
    layout: Layout,
    frame: Frame,
    diameter: float,
    spacing: float,
    tortuosity: float,
    *,
    side: int,
    other: Points,
) -> tuple[VesselPaint, Points]:
    """The paint of one tree and its nodes."""
    trunks = draw_trunks(rng, layout, diameter=diameter, tortuosity=tortuosity, side=side)
    habit = Habit(spacing, tortuosity, fovea_radius=layout.disc_diameter * float(rng.uniform(0.25, 0.4)))
    branches = grow_tree(rng, layout, trunks, habit, other)
    diameters = tree_diameters(rng, branches, tip_diameter=float(rng.uniform(0.0022, 0.0030)))
    paths = [branch.points for branch in branches]
    sheet = np.zeros(len(branches), np.int64)
    for index, branch in enumerate(branches):
        sheet[index] = 0 if branch.parent < 0 else 1 - sheet[branch.parent]
    return render_tree(frame, paths, diameters, _strengths(rng, branches), sheet), np.concatenate(paths)


def _strengths(rng: np.random.Generator, branches: list[Branch]) -> list[NDArray[np.float64]]:
    """Contrast along every branch: much like its parent's where it begins, fading where a vessel ends."""
    continued = {(branch.parent, branch.parent_node) for branch in branches}
    strengths: list[NDArray[np.float64]] = []
    for index, branch in enumerate(branches):
        count = len(branch.points)
        inherited = np.log(strengths[branch.parent][branch.parent_node]) if branch.parent >= 0 else 0.0
        drift = np.linspace(0.0, 1.0, count) * rng.normal(0.0, 0.25)
        strength = np.exp(0.8 * inherited + drift + (rng.normal(0, 0.15) if branch.parent < 0 else 0.0))
        if branch.exit_diameter == 0 and (index, count - 1) not in continued:
            strength *= np.minimum(1.0, 0.45 + np.arange(count)[::-1] / 14)
        strengths.append(strength)
    return strengths


def _combine(rng: np.random.Generator, frame: Frame, arteries: VesselPaint, veins: VesselPaint) -> Vessels:
    density = rng.lognormal(np.log(0.138), 0.26)
    oxygen = rng.uniform(0.68, 0.88)
    artery, vein = oxygen * arteries.depth, veins.depth
    upper, lower = np.maximum(artery, vein), np.minimum(artery, vein)
    blood = density * (upper + 0.3 * lower) ** 0.92 * np.exp(0.2 * smooth_noise(rng, frame.size, 9))
    saturated = blood / (1 + blood / 1.1)
    # red light is hardly absorbed, by arteries least of all
    red = np.where(artery >= vein, rng.uniform(0.10, 0.22), rng.uniform(0.20, 0.40))
    blue = rng.uniform(0.5, 1.0)
    absorption = np.stack([saturated * red, saturated, saturated * blue], axis=-1)
    shine = rng.uniform(0.35, 1.0)
    reflex = shine * np.maximum(arteries.reflex, rng.uniform(0.1, 0.6) * veins.reflex)
    reflex *= np.clip(1 + 0.4 * smooth_noise(rng, frame.size, 14), 0.2, 1.4)
    saturated *= 1 - reflex
    return Vessels(
        absorption.astype(np.float32),
        arteries.label | veins.label,
        upper.astype(np.float32),
    )
