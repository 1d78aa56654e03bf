"""Grow one vascular tree: trunks along the arcades, then branches into whatever gap is widest.

Source: the order "widest gap first, join where the detour is short" is that of constrained constructive optimisation
(Schreiner and Buxbaum, IEEE Trans. Biomed. Eng. 40, 1993); the shape of the trunks is drawn by hand.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.layout import Layout, Points
from fundus_unet.data.synthetic.trunks import Trunk, resample, wiggle

REACH = 0.51
"""Radius up to which the tree grows, in field diameters: a little beyond the field."""


_OTHER_TREE = 1.9
"""How much nearer a vessel may come to one of the other tree than to one of its own."""


@dataclass(frozen=True)
class Habit:
    """How one tree grows. Units: field diameters."""

    spacing: float
    """The widest gap that is left without a branch."""
    tortuosity: float
    fovea_radius: float


@dataclass(frozen=True)
class Branch:
    """A vessel from where it leaves its parent to its tip."""

    points: Points
    parent: int
    """Index of the parent branch, -1 for a trunk."""
    parent_node: int
    generation: int
    root_diameter: float
    """Given for trunks, 0 for branches."""
    exit_diameter: float
    """What the vessel measures where it leaves the field, 0 where it ends within."""


class _Growth:
    """The tree so far as flat arrays of nodes, which every search runs over."""

    def __init__(self) -> None:
        self.branches: list[Branch] = []
        self.position = np.empty((0, 2))
        self.tangent = np.empty((0, 2))
        self.branch = np.empty(0, np.int64)
        self.node = np.empty(0, np.int64)
        self.generation = np.empty(0, np.int64)
        self.is_tip = np.empty(0, bool)

    def add(self, branch: Branch) -> None:
        count = len(branch.points)
        step = np.gradient(branch.points, axis=0)
        tangent = step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-9)
        tips = np.zeros(count, bool)
        tips[-1] = branch.exit_diameter == 0
        self.position = np.concatenate([self.position, branch.points])
        self.tangent = np.concatenate([self.tangent, tangent])
        self.branch = np.concatenate([self.branch, np.full(count, len(self.branches))])
        self.node = np.concatenate([self.node, np.arange(count)])
        self.generation = np.concatenate([self.generation, np.full(count, branch.generation)])
        self.is_tip = np.concatenate([self.is_tip, tips])
        self.branches.append(branch)


def grow_tree(
    rng: np.random.Generator, layout: Layout, trunks: list[Trunk], habit: Habit, other: Points
) -> list[Branch]:
    """Arteries or veins of one eye.

    `other` are the nodes of the tree that was grown before; the new one keeps to the gaps it left, though it may cross.

    Returns:
        Branches, every parent before its children.
    """
    growth = _Growth()
    for trunk in trunks:
        leaving = 0.55 * trunk.diameter if trunk.leaves_field else 0.0
        growth.add(Branch(trunk.points, -1, 0, trunk.generation, trunk.diameter, leaving))
    candidates = _candidates(rng, layout, habit)
    gap = _distances(candidates, growth.position[::2]).min(axis=1)
    if len(other):
        gap = np.minimum(gap, _OTHER_TREE * _distances(candidates, other[::2]).min(axis=1))
    # some regions are left emptier than others
    wanted = habit.spacing * rng.uniform(0.75, 1.5, len(candidates))
    for _ in range(400):
        chosen = int(np.argmax(gap / wanted))
        if gap[chosen] < wanted[chosen]:
            break
        branch = _connect(rng, growth, layout, candidates[chosen], habit)
        if branch is None:
            gap[chosen] = 0.0
            continue
        growth.add(branch)
        gap = np.minimum(gap, _distances(candidates, branch.points[::2]).min(axis=1))
    return growth.branches


def _candidates(rng: np.random.Generator, layout: Layout, habit: Habit) -> Points:
    points = rng.uniform(-REACH, REACH, (1100, 2))
    inside = np.linalg.norm(points, axis=1) < REACH
    off_disc = np.linalg.norm(points - layout.disc, axis=1) > 0.75 * layout.disc_diameter
    off_fovea = np.linalg.norm(points - layout.fovea, axis=1) > habit.fovea_radius
    return np.asarray(points[inside & off_disc & off_fovea])


def _distances(a: Points, b: Points) -> NDArray[np.float64]:
    return np.asarray(np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1]))


def _connect(rng: np.random.Generator, growth: _Growth, layout: Layout, target: Points, habit: Habit) -> Branch | None:
    """The branch that reaches `target` with the shortest natural detour, None where every one would cross the tree."""
    offset = target - growth.position
    distance = np.linalg.norm(offset, axis=1)
    along = (offset * growth.tangent).sum(axis=1) / np.maximum(distance, 1e-9)
    across = growth.tangent[:, 0] * offset[:, 1] - growth.tangent[:, 1] * offset[:, 0]
    angle = np.arctan2(across, along * distance)
    preferred = np.where(growth.is_tip, 0.0, np.deg2rad(50))
    cost = distance * (1 + 2.2 * (1 - np.cos(np.abs(angle) - preferred)) + 0.10 * growth.generation)
    cost *= np.where(growth.is_tip & (np.abs(angle) < 0.7), 0.7, 1.0)
    cost += np.where(np.linalg.norm(growth.position - layout.disc, axis=1) < 0.55 * layout.disc_diameter, 0.15, 0.0)
    cost += np.where(distance < 0.012, 1.0, 0.0)
    for _ in range(3):
        start = int(np.argmin(cost))
        points = _path(rng, growth, start, float(angle[start]), target, habit)
        if _is_free(growth, points, layout, habit):
            generation = int(growth.generation[start]) + (0 if growth.is_tip[start] else 1)
            leaves = np.linalg.norm(target) > 0.49
            leaving = growth.branches[0].root_diameter * float(rng.uniform(0.15, 0.42)) if leaves else 0.0
            return Branch(points, int(growth.branch[start]), int(growth.node[start]), generation, 0.0, leaving)
        cost[np.linalg.norm(growth.position - growth.position[start], axis=1) < 0.03] += 1.0
    return None


def _path(rng: np.random.Generator, growth: _Growth, start: int, angle: float, target: Points, habit: Habit) -> Points:
    origin, tangent = growth.position[start], growth.tangent[start]
    if growth.is_tip[start]:
        turn = 0.3 * angle
    else:
        turn = float(np.clip(abs(angle), np.deg2rad(25), np.deg2rad(rng.uniform(40, 75)))) * (1 if angle > 0 else -1)
    cos, sin = np.cos(turn), np.sin(turn)
    heading = np.array([cos * tangent[0] - sin * tangent[1], sin * tangent[0] + cos * tangent[1]])
    control = origin + rng.uniform(0.35, 0.6) * np.linalg.norm(target - origin) * heading
    t = np.linspace(0, 1, 24)[:, None]
    curve = (1 - t) ** 2 * origin + 2 * t * (1 - t) * control + t**2 * target
    return wiggle(rng, resample(curve), 1.5 * habit.tortuosity)


def _is_free(growth: _Growth, points: Points, layout: Layout, habit: Habit) -> bool:
    if np.linalg.norm(points - layout.fovea, axis=1).min() < 0.9 * habit.fovea_radius:
        return False
    free = points[max(4, len(points) // 4) :: 2]
    if len(free) == 0:
        return False
    return bool(_distances(free, growth.position[::2]).min() > 0.012)
