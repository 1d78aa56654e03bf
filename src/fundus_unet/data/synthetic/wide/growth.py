"""Grow the arteries and the veins of one eye together, all tips a step at a time.

Source: vessels spread into whatever gap is left, as they do towards tissue that wants oxygen; how they divide is in
`branching`. Fractal dimension of the result about 1.7: Masters, Annu. Rev. Biomed. Eng. 6, 2004.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.trunks import STEP
from fundus_unet.data.synthetic.wide.branching import angles, remaining
from fundus_unet.data.synthetic.wide.courses import Course
from fundus_unet.data.synthetic.wide.eye import Eye

_CELLS = 176
_HALF = 0.58
_CELL = 2 * _HALF / _CELLS
_STRIDE = 1.5 * STEP
"""How far a tip goes in a step, in field diameters."""
_STEPS = 100
_LARGE = 0.0042
"""Diameter from which on a division loses more than Murray's cube, in field diameters of 45 degrees."""

Values = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Nodes:
    """Every node of every vessel, vessel by vessel and each from its root to its tip.

    Shapes:
        (n,) each. Units: field diameters.
    """

    x: Values
    y: Values
    diameter: Values
    strength: Values
    """Contrast, 1 on average."""
    vessel: Whole
    vein: NDArray[np.bool_]


class _Map:
    """Which vessel is in which cell, and how crowded it is around there; arteries and veins apart."""

    def __init__(self, spacing: float) -> None:
        self.owner = np.full((2, _CELLS, _CELLS), -1, np.int32)
        # crowding is smooth: half the cells along a side will do
        self.length = np.zeros((2, _CELLS // 2, _CELLS // 2), np.float32)
        self.crowd = np.zeros((2, _CELLS // 2, _CELLS // 2), np.float32)
        self.reach = max(0.42 * spacing, _CELL)

    def cells(self, x: Values, y: Values) -> tuple[Whole, Whole]:
        column = np.minimum(np.maximum(((x + _HALF) * (1 / _CELL)).astype(np.int64), 0), _CELLS - 1)
        row = np.minimum(np.maximum(((y + _HALF) * (1 / _CELL)).astype(np.int64), 0), _CELLS - 1)
        return row, column

    def crowd_at(self, tree: Whole, x: Values, y: Values) -> Values:
        row, column = self.cells(x, y)
        return self.crowd[tree, row >> 1, column >> 1]

    def add(self, tree: Whole, vessel: Whole, x: Values, y: Values, length: float) -> None:
        row, column = self.cells(x, y)
        self.owner[tree, row, column] = vessel
        self.length[tree, row >> 1, column >> 1] += length

    def update(self) -> None:
        """What a vessel of a tree keeps away from: its own tree, and the other one less."""
        sigma = self.reach / (2 * _CELL)
        first, second = (cv2.GaussianBlur(plane, (0, 0), sigma) for plane in self.length)
        scale = np.float32(sigma * math.sqrt(2 * math.pi) / (2 * _CELL))  # 1 on the middle line of a lone vessel
        self.crowd[0] = scale * (first + 0.4 * second)
        self.crowd[1] = scale * (second + 0.4 * first)


class _Tips:
    """The growing ends, as arrays of one length."""

    def __init__(self) -> None:
        self.x = np.empty(0)
        self.y = np.empty(0)
        self.heading = np.empty(0)
        self.bend = np.empty(0)
        self.diameter = np.empty(0)
        self.strength = np.empty(0)
        self.since = np.empty(0)
        self.age = np.empty(0, np.int64)
        self.tree = np.empty(0, np.int64)
        self.vessel = np.empty(0, np.int64)
        self.parent = np.empty(0, np.int64)
        self.joins = np.empty(0, bool)

    def keep(self, which: NDArray[np.bool_]) -> None:
        for name, values in vars(self).items():
            setattr(self, name, values[which])

    def add(self, **values: NDArray[np.generic]) -> None:
        for name, old in vars(self).items():
            setattr(self, name, np.concatenate([old, values[name]]))


class _Record:
    """What has grown, step by step."""

    def __init__(self) -> None:
        self.parts: list[tuple[NDArray[np.generic], ...]] = []
        self.free_ends: list[Whole] = []
        self.vessels = 0

    def number(self, count: int) -> Whole:
        self.vessels += count
        return np.arange(self.vessels - count, self.vessels)

    def add(self, x: Values, y: Values, diameter: Values, strength: Values, vessel: Whole, tree: Whole) -> None:
        self.parts.append((x, y, diameter, strength, vessel, tree))


def grow(rng: np.random.Generator, eye: Eye, courses: list[Course]) -> Nodes:
    """The vessels along `courses`, and all that springs from them."""
    record, tips, world = _Record(), _Tips(), _Map(eye.spacing)
    for course in courses:
        _lay(rng, eye, course, record, tips, world)
    for step in range(_STEPS):
        if len(tips.x) == 0:
            break
        if step % 2 == 0:
            world.update()
        _advance(rng, eye, record, tips, world)
        if step % 2 == 1:
            _divide(rng, eye, record, tips, world)
    return _sorted(record)


def _lay(rng: np.random.Generator, eye: Eye, course: Course, record: _Record, tips: _Tips, world: _Map) -> None:
    """A course as a vessel that narrows at every branch, and its branches as new tips."""
    count = len(course.points)
    x, y = course.points.T
    tree = np.full(count, int(course.vein))
    vessel = record.number(1)
    exponent = (2.2 if course.vein else 2.7) + rng.normal(0, 0.15)
    small = course.diameter < 0.4 * eye.artery
    spacing = eye.spacing * rng.uniform(0.8, 1.3)
    from_disc = np.hypot(x - eye.layout.disc[0], y - eye.layout.disc[1]) / eye.layout.disc_diameter
    sites: list[int] = []
    at = int(np.argmax(from_disc > rng.uniform(0.45, 0.9))) if from_disc.max() > 0.9 else count
    while at < count - 3:
        sites.append(at)
        at += max(3, round((rng.exponential(spacing) + 0.25 * spacing) / STEP))
    ratio = np.where(
        rng.random(len(sites)) < 0.35, rng.uniform(0.5, 0.75, len(sites)), rng.uniform(0.28, 0.5, len(sites))
    )
    lost = 0.9992 if not small else 0.996
    diameter = np.empty(count)
    heading = np.arctan2(np.gradient(y), np.gradient(x))
    now, begin = course.diameter, 0
    started: list[tuple[int, float, float]] = []
    side = 1.0 if rng.random() < 0.5 else -1.0
    for site, share in zip(sites, ratio, strict=True):
        diameter[begin:site] = now * lost ** np.arange(site - begin)
        now = now * lost ** (site - begin)
        begin = site
        child = now * share
        if child > 0.9 * eye.tip:
            other = remaining(now, child, exponent)
            turn = min(max(angles(now, child, other)[0] * rng.lognormal(0, 0.15), 0.35), 1.5)
            started.append((site, child, heading[site] + side * turn))
            now = other
        side = -side if rng.random() < 0.75 else side
    diameter[begin:] = now * lost ** np.arange(count - begin)
    ends = np.flatnonzero(diameter < eye.tip)
    if len(ends):
        count = max(3, int(ends[0]))
        record.free_ends.append(vessel)
    power = float(np.exp(rng.normal(0, 0.12)))
    record.add(x[:count], y[:count], diameter[:count], np.full(count, power), np.repeat(vessel, count), tree[:count])
    world.add(tree[:count], np.repeat(vessel, count), x[:count], y[:count], STEP)
    started = [one for one in started if one[0] < count and np.hypot(x[one[0]], y[one[0]]) < 0.54]
    if started:
        at_nodes = np.array([one[0] for one in started])
        _start(
            rng,
            tips,
            record,
            x[at_nodes],
            y[at_nodes],
            np.array([one[2] for one in started]),
            np.array([one[1] for one in started]),
            np.full(len(started), power),
            tree[at_nodes],
            np.repeat(vessel, len(started)),
        )


def _start(
    rng: np.random.Generator,
    tips: _Tips,
    record: _Record,
    x: Values,
    y: Values,
    heading: Values,
    diameter: Values,
    strength: Values,
    tree: Whole,
    parent: Whole,
) -> None:
    count = len(x)
    vessel = record.number(count)
    power = strength**0.8 * np.exp(rng.normal(0, 0.16, count))
    record.add(x, y, diameter, power, vessel, tree)
    tips.add(
        x=x, y=y, heading=heading, bend=np.zeros(count), diameter=diameter, strength=power,
        since=-rng.uniform(0, 7, count), age=np.zeros(count, np.int64), tree=tree, vessel=vessel, parent=parent,
        joins=rng.random(count) < 0.02,
    )  # fmt: skip


def _advance(rng: np.random.Generator, eye: Eye, record: _Record, tips: _Tips, world: _Map) -> None:
    """One step of every tip, and the end of those that meet a vessel, the fovea or the field's rim."""
    cos, sin = np.cos(tips.heading), np.sin(tips.heading)
    aside = 1.6 * world.reach
    ahead_x, ahead_y = tips.x + 0.8 * aside * cos, tips.y + 0.8 * aside * sin
    left = world.crowd_at(tips.tree, ahead_x + aside * sin, ahead_y - aside * cos)
    right = world.crowd_at(tips.tree, ahead_x - aside * sin, ahead_y + aside * cos)
    away = np.minimum(np.maximum(left - right, -0.8), 0.8)  # positive turns are to the right, where y grows
    target = _wanted(eye, tips)
    off = np.mod(target - tips.heading + np.pi, 2 * np.pi) - np.pi
    # the finer a vessel the more it winds
    winding = 0.075 * eye.tortuosity * np.minimum(np.maximum(0.006 / tips.diameter, 0.7), 1.7)
    tips.bend = 0.62 * tips.bend + winding * rng.standard_normal(len(tips.x))
    tips.heading = tips.heading + 0.24 * away + 0.05 * off + tips.bend
    cos, sin = np.cos(tips.heading), np.sin(tips.heading)
    x, y = tips.x + _STRIDE * cos, tips.y + _STRIDE * sin
    look_x, look_y = x + 0.9 * _STRIDE * cos, y + 0.9 * _STRIDE * sin
    met = world.owner[(tips.tree, *world.cells(look_x, look_y))]
    young = tips.age < 5
    meets = (met >= 0) & (met != tips.vessel) & ~(young & (met == tips.parent)) & (tips.age > 1)
    fovea = np.hypot(x - eye.layout.fovea[0], y - eye.layout.fovea[1]) < 0.3 * eye.layout.disc_diameter
    thin = tips.diameter < eye.tip
    gone = np.hypot(x, y) > 0.53
    going = ~(meets & ~tips.joins) & ~fovea & ~gone & ~thin
    # a vessel that meets another stops just before it, one that joins it goes on to it
    record.free_ends.append(tips.vessel[(meets & ~tips.joins) | fovea | thin])
    middle_x, middle_y = 0.5 * (tips.x + x), 0.5 * (tips.y + y)
    tips.x, tips.y = x, y
    tips.diameter = tips.diameter * (1 - 0.0036 * np.minimum(np.maximum(eye.vein / 3 / tips.diameter, 0.4), 1.6))
    tips.strength = tips.strength * np.exp(rng.normal(0, 0.012, len(x)))
    tips.age = tips.age + 1
    tips.since = tips.since + 1
    done = meets & tips.joins
    drawn = going
    record.add(*(values[drawn] for values in (x, y, tips.diameter, tips.strength, tips.vessel, tips.tree)))
    for at_x, at_y in ((middle_x, middle_y), (x, y)):
        world.add(tips.tree[drawn], tips.vessel[drawn], at_x[drawn], at_y[drawn], 0.5 * _STRIDE)
    tips.keep(going & ~done)


def _wanted(eye: Eye, tips: _Tips) -> Values:
    """Where a vessel would go that met no other: away from the disc, in the macula towards the fovea."""
    from_x, from_y = tips.x - eye.layout.disc[0], tips.y - eye.layout.disc[1]
    to_x, to_y = eye.layout.fovea[0] - tips.x, eye.layout.fovea[1] - tips.y
    unit = eye.layout.disc_diameter
    near = np.exp(-((np.hypot(to_x, to_y) / (1.7 * unit)) ** 2)) * 1.6
    away, towards = np.hypot(from_x, from_y) + 1e-6, np.hypot(to_x, to_y) + 1e-6
    return np.asarray(np.arctan2(from_y / away + near * to_y / towards, from_x / away + near * to_x / towards))


def _divide(rng: np.random.Generator, eye: Eye, record: _Record, tips: _Tips, world: _Map) -> None:
    """New tips where there is room at a side."""
    if len(tips.x) == 0:
        return
    wants = rng.random(len(tips.x)) < 8.0 * _STRIDE / eye.spacing * np.minimum(np.maximum(tips.since / 9 - 0.2, 0), 1)
    wants &= tips.diameter > 1.12 * eye.tip
    which = np.flatnonzero(wants)
    if len(which) == 0:
        return
    aside = 2.2 * world.reach
    x, y, heading, tree = tips.x[which], tips.y[which], tips.heading[which], tips.tree[which]
    room = []
    for turn in (-1.1, 1.1):
        room.append(world.crowd_at(tree, x + aside * np.cos(heading + turn), y + aside * np.sin(heading + turn)))
    side = np.where(room[0] < room[1], -1.0, 1.0)
    free = np.minimum(room[0], room[1]) < 0.3
    which, side = which[free], side[free]
    if len(which) == 0:
        return
    parent = tips.diameter[which]
    even = rng.random(len(which)) < 0.25
    child = parent * np.where(even, rng.uniform(0.65, 0.86, len(which)), rng.uniform(0.4, 0.6, len(which)))
    child = np.maximum(child, 1.02 * eye.tip)
    large = parent > _LARGE * 45 / eye.field_angle
    exponent = np.where(large, np.where(tips.tree[which] == 1, 2.1, 2.6), 3.0)
    other = np.maximum(remaining(parent, child, exponent), 1.01 * eye.tip)
    turn_child, turn_other = angles(parent, child, other)
    wide = np.exp(rng.normal(0, 0.18, len(which)))
    turn_child, turn_other = np.clip(turn_child * wide, 0.3, 1.45), np.clip(turn_other * wide, 0.0, 0.9)
    start = tips.heading[which] + side * turn_child
    tips.heading[which] = tips.heading[which] - side * turn_other
    tips.diameter[which] = other
    tips.since[which] = 0
    _start(
        rng, tips, record, tips.x[which], tips.y[which], start, child, tips.strength[which], tips.tree[which],
        tips.vessel[which],
    )  # fmt: skip


def _sorted(record: _Record) -> Nodes:
    x, y, diameter, strength, vessel, tree = (np.concatenate(part) for part in zip(*record.parts, strict=True))
    order = np.argsort(vessel, kind="stable")
    vessel = vessel[order].astype(np.int64)
    last = np.searchsorted(vessel, vessel, side="right") - 1
    left = last - np.arange(len(vessel))
    fades = np.zeros(record.vessels, bool)
    if record.free_ends:
        fades[np.concatenate(record.free_ends)] = True
    fading = np.where(fades[vessel], np.minimum(1.0, 0.4 + left / 10), 1.0)
    power = strength[order].astype(np.float64) * fading
    return Nodes(
        x[order].astype(np.float64), y[order].astype(np.float64), diameter[order].astype(np.float64), power, vessel,
        tree[order] == 1,
    )  # fmt: skip
