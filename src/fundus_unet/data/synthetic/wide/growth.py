"""Grow the arteries and the veins of one eye together, all tips a step at a time.

Source: vessels spread into whatever gap is left, as they do towards tissue that wants oxygen; how they divide is in
`branching`. Fractal dimension of the result about 1.7: Masters, Annu. Rev. Biomed. Eng. 6, 2004.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.trunks import STEP
from fundus_unet.data.synthetic.wide.branching import angles, remaining
from fundus_unet.data.synthetic.wide.courses import Course
from fundus_unet.data.synthetic.wide.crowding import Crowding
from fundus_unet.data.synthetic.wide.eye import Eye
from fundus_unet.data.synthetic.wide.laying import lay
from fundus_unet.data.synthetic.wide.tips import TIP, Nodes, Record, Tips, Values

_STRIDE = 1.7 * STEP
"""How far a tip goes in a step, in field diameters."""
_STEPS = 100
_REACH = 0.53
_FEW = 3
"""So few tips are no longer worth a step."""
_LARGE = 0.0042
"""Diameter from which on a division loses more than Murray's cube, in field diameters of 45 degrees: 50 micrometres."""


def grow(rng: np.random.Generator, eye: Eye, courses: list[Course]) -> Nodes:
    """The vessels along `courses`, and all that springs from them."""
    record, world = Record(), Crowding(eye.spacing)
    tips = np.concatenate([np.empty(0, TIP), *(lay(rng, eye, course, record, world) for course in courses)])
    for step in range(_STEPS):
        if len(tips) <= _FEW:
            break
        if step % 3 == 0:
            world.update()
        tips = _advance(rng, eye, record, tips, world)
        if step % 3 == 1:
            tips = np.concatenate([tips, _divide(rng, eye, record, tips, world)])
    record.free_ends.append(tips["vessel"])
    return record.nodes()


def _advance(rng: np.random.Generator, eye: Eye, record: Record, tips: Tips, world: Crowding) -> Tips:
    """One step of every tip; those are left that met no vessel, nor the fovea, nor the field's rim."""
    x, y, tree, vessel, diameter = (tips[name].copy() for name in ("x", "y", "tree", "vessel", "diameter"))
    heading = _turned(rng, eye, tips, world, x, y)
    way_x, way_y = _STRIDE * np.cos(heading), _STRIDE * np.sin(heading)
    middle_x, middle_y = x + 0.5 * way_x, y + 0.5 * way_y
    x, y = x + way_x, y + way_y
    met = world.vessel_at(tree, x + 0.9 * way_x, y + 0.9 * way_y)
    age = tips["age"]
    meets = (met >= 0) & (met != vessel) & ~((age < 5) & (met == tips["parent"])) & (age > 1)
    blocked = meets & ~tips["joins"]
    fovea, disc = eye.layout.fovea, eye.layout.disc_diameter
    fades = blocked | (diameter < eye.tip) | (np.hypot(x - fovea[0], y - fovea[1]) < 0.3 * disc)
    going = ~fades & (np.hypot(x, y) < _REACH)
    record.free_ends.append(vessel[fades])
    tips["x"], tips["y"] = x, y
    # the smaller a vessel is, the greater a part of its blood leaves by branches that are not drawn
    tips["diameter"] = diameter * (1 - 0.0036 * np.minimum(np.maximum(eye.vein / 3 / diameter, 0.4), 1.6))
    tips["strength"] *= 1 + 0.012 * rng.standard_normal(len(x))
    age += 1
    tips["since"] += 1
    drawn = tips[going]
    record.parts.append(drawn)
    tree, vessel = tree[going], vessel[going]
    places = _both(middle_x[going], x[going], middle_y[going], y[going])
    world.add(*_both(tree, tree, vessel, vessel), *places, length=0.5 * _STRIDE)
    return drawn[~meets[going]].copy()  # one that joins another ends on it


def _turned(rng: np.random.Generator, eye: Eye, tips: Tips, world: Crowding, x: Values, y: Values) -> Values:
    """New headings: off the crowd, towards what is to be supplied, and from side to side."""
    heading, tree = tips["heading"], tips["tree"].copy()
    aside = 1.6 * world.reach
    cos, sin = aside * np.cos(heading), aside * np.sin(heading)
    ahead_x, ahead_y = x + 0.8 * cos, y + 0.8 * sin
    left, right = np.split(world.at(*_both(tree, tree, ahead_x + sin, ahead_x - sin, ahead_y - cos, ahead_y + cos)), 2)
    more_left = left - right
    off = np.mod(_wanted(eye, x, y) - heading + np.pi, 2 * np.pi) - np.pi
    # the finer a vessel the more it winds
    winding = 0.075 * eye.tortuosity * np.minimum(np.maximum(0.006 / tips["diameter"], 0.7), 1.7)
    tips["bend"] = 0.62 * tips["bend"] + winding * rng.standard_normal(len(x))
    heading += 0.24 * np.minimum(np.maximum(more_left, -0.8), 0.8) + 0.05 * off + tips["bend"]
    return heading.copy()


def _both(*pairs: NDArray[Any]) -> list[NDArray[Any]]:
    """Every two arrays as one: one look-up costs less than two."""
    return [np.concatenate(pair) for pair in zip(pairs[::2], pairs[1::2], strict=True)]


def _wanted(eye: Eye, x: Values, y: Values) -> Values:
    """Where a vessel would go that met no other: away from the disc, in the macula towards the fovea."""
    from_x, from_y = x - eye.layout.disc[0], y - eye.layout.disc[1]
    to_x, to_y = eye.layout.fovea[0] - x, eye.layout.fovea[1] - y
    away, towards = np.hypot(from_x, from_y) + 1e-6, np.hypot(to_x, to_y) + 1e-6
    near = 1.6 * np.exp(-((towards / (1.7 * eye.layout.disc_diameter)) ** 2)) / towards
    return np.arctan2(from_y / away + near * to_y, from_x / away + near * to_x)


def _divide(rng: np.random.Generator, eye: Eye, record: Record, tips: Tips, world: Crowding) -> Tips:
    """New tips where there is room at a side."""
    ready = np.minimum(np.maximum(tips["since"] / 9 - 0.2, 0), 1)
    wants = rng.random(len(tips)) < 12.0 * _STRIDE / eye.spacing * ready
    which = np.flatnonzero(wants & (tips["diameter"] > 1.12 * eye.tip))
    at = tips[which]
    aside = 2.2 * world.reach
    way = np.concatenate([at["heading"] - 1.1, at["heading"] + 1.1])
    tree, x, y = _both(at["tree"], at["tree"], at["x"], at["x"], at["y"], at["y"])
    left, right = np.split(world.at(tree, x + aside * np.cos(way), y + aside * np.sin(way)), 2)
    free = np.minimum(left, right) < 0.3
    which, at, side = which[free], at[free], np.where(left < right, -1.0, 1.0)[free]
    count, parent = len(which), at["diameter"].copy()
    if count == 0:
        return at
    even = rng.random(count) < 0.25
    ratio = np.where(even, rng.uniform(0.65, 0.86, count), rng.uniform(0.4, 0.6, count))
    child = np.maximum(parent * ratio, 1.02 * eye.tip)
    large = parent > _LARGE * 45 / eye.field_angle
    exponent = np.where(large, np.where(at["tree"] == 1, 2.1, 2.6), 3.0)
    other = np.maximum(remaining(parent, child, exponent), 1.01 * eye.tip)
    turn_child, turn_other = angles(parent, child, other)
    differs = np.exp(rng.normal(0, 0.18, count))
    start = at["heading"] + side * np.clip(turn_child * differs, 0.3, 1.45)
    tips["heading"][which] -= side * np.clip(turn_other * differs, 0.0, 0.9)
    tips["diameter"][which] = other
    tips["since"][which] = 0
    return record.start(rng, at, start, child, at["vessel"].copy())
