"""Lay a vessel along a course that is given: how it narrows, and where its branches leave it."""

import math

import numpy as np

from fundus_unet.data.synthetic.trunks import STEP
from fundus_unet.data.synthetic.wide.branching import angles, remaining
from fundus_unet.data.synthetic.wide.courses import Course
from fundus_unet.data.synthetic.wide.crowding import Crowding
from fundus_unet.data.synthetic.wide.eye import Eye
from fundus_unet.data.synthetic.wide.tips import TIP, Record, Tips, Values

_WITHIN = 0.54
_LOST = 0.9992
"""What is left of the diameter from one node to the next: branches too fine to be drawn take the rest."""
_LOST_OF_SMALL = 0.996


def lay(rng: np.random.Generator, eye: Eye, course: Course, record: Record, world: Crowding) -> Tips:
    """Record the vessel.

    Returns:
        The tips of its branches.
    """
    x, y = course.points.T
    vessel = record.number(1)
    sites = _sites(rng, eye, x, y)
    large = rng.random(len(sites)) < 0.35
    ratio = np.where(large, rng.uniform(0.5, 0.75, len(sites)), rng.uniform(0.28, 0.5, len(sites)))
    exponent = (2.2 if course.vein else 2.7) + rng.normal(0, 0.15)
    lost = _LOST_OF_SMALL if course.diameter < 0.4 * eye.artery else _LOST
    diameter, children, turns = np.empty(len(x)), np.zeros(len(sites)), np.zeros(len(sites))
    now, begin = course.diameter, 0
    side = 1.0 if rng.random() < 0.5 else -1.0
    for number, site in enumerate(sites):
        diameter[begin:site] = now * lost ** np.arange(site - begin)
        now, begin = now * lost ** (site - begin), site
        child = now * float(ratio[number])
        if child > 0.9 * eye.tip:
            other = remaining(now, child, exponent)
            turn = float(angles(now, child, other)[0]) * rng.lognormal(0, 0.15)
            children[number], turns[number] = child, side * min(max(turn, 0.35), 1.5)
            now = other
        side = -side if rng.random() < 0.75 else side
    diameter[begin:] = now * lost ** np.arange(len(x) - begin)
    ends = np.flatnonzero(diameter < eye.tip)
    count = max(3, int(ends[0])) if len(ends) else len(x)
    if len(ends):
        record.free_ends.append(vessel)
    nodes = np.zeros(count, TIP)
    nodes["x"], nodes["y"], nodes["diameter"] = x[:count], y[:count], diameter[:count]
    nodes["vessel"], nodes["tree"], nodes["strength"] = vessel, int(course.vein), math.exp(rng.normal(0, 0.12))
    record.parts.append(nodes)
    world.add(nodes["tree"], nodes["vessel"], nodes["x"], nodes["y"], length=STEP)
    at = np.array(sites, np.int64)
    grows = (children > 0) & (at < count) & (np.hypot(x[at], y[at]) < _WITHIN)
    at = at[grows]
    heading = np.arctan2(np.gradient(y), np.gradient(x))[at] + turns[grows]
    return record.start(rng, nodes[at], heading, children[grows], nodes["vessel"][at])


def _sites(rng: np.random.Generator, eye: Eye, x: Values, y: Values) -> list[int]:
    """Nodes at which branches leave, from the disc's rim on."""
    spacing = eye.spacing * rng.uniform(0.8, 1.3)
    from_disc = np.hypot(x - eye.layout.disc[0], y - eye.layout.disc[1]) / eye.layout.disc_diameter
    sites: list[int] = []
    at = int(np.argmax(from_disc > rng.uniform(0.45, 0.9))) if from_disc.max() > 0.9 else len(x)
    while at < len(x) - 3:
        sites.append(at)
        at += max(3, round((rng.exponential(spacing) + 0.25 * spacing) / STEP))
    return sites
