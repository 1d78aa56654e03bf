"""Growing ends of vessels, and the record of where they were."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Whole = NDArray[np.int64]
Tips = NDArray[np.void]
"""Growing ends, or where they were: an array of `TIP`."""

TIP = np.dtype(
    [
        *((name, np.float64) for name in ("x", "y", "heading", "bend", "diameter", "strength", "since")),
        *((name, np.int64) for name in ("age", "tree", "vessel", "parent")),
        ("joins", np.bool_),
    ]
)
"""Of an end: place, heading in radians and how it bends; steps `since` its last division; tree 0 of arteries or 1 of
veins; the vessel's number and its parent's; whether it joins a vessel that it meets, as collaterals do."""

_JOINS = 0.02
_DEEPEST = 1.0
_FAINTEST = 0.4


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


class Record:
    """What has grown, step by step."""

    def __init__(self) -> None:
        self.parts: list[Tips] = []
        self.free_ends: list[Whole] = []
        """Vessels that fade from sight, in place of leaving the field or joining another."""
        self.vessels = 0

    def number(self, count: int) -> Whole:
        """Numbers for new vessels."""
        self.vessels += count
        return np.arange(self.vessels - count, self.vessels)

    def start(self, rng: np.random.Generator, at: Tips, heading: Values, diameter: Values, parent: Whole) -> Tips:
        """New ends where `at` are; their contrast is much like their parents'."""
        count = len(at)
        tips = at.copy()
        tips["heading"], tips["diameter"], tips["parent"] = heading, diameter, parent
        tips["strength"] = at["strength"] ** 0.8 * np.exp(rng.normal(0, 0.16, count))
        tips["bend"], tips["age"], tips["since"] = 0, 0, -rng.uniform(0, 7, count)
        tips["vessel"], tips["joins"] = self.number(count), rng.random(count) < _JOINS
        self.parts.append(tips.copy())  # the ends go on
        return tips

    def nodes(self) -> Nodes:
        """All that was recorded; where a vessel fades from sight its contrast does."""
        names = ("x", "y", "diameter", "strength", "vessel", "tree")
        x, y, diameter, strength, vessel, tree = (np.concatenate([part[name] for part in self.parts]) for name in names)
        order = np.argsort(vessel, kind="stable")
        vessel = vessel[order]
        left = np.searchsorted(vessel, vessel, side="right") - 1 - np.arange(len(vessel))
        fades = np.zeros(self.vessels, bool)
        fades[np.concatenate([np.empty(0, np.int64), *self.free_ends])] = True
        fading = np.where(fades[vessel], np.minimum(_DEEPEST, _FAINTEST + left / 10), 1.0)
        return Nodes(x[order], y[order], diameter[order], strength[order] * fading, vessel, tree[order] == 1)
