"""A map of what has grown: which vessel is where, and how crowded it is around there."""

import math

import cv2
import numpy as np

from fundus_unet.data.synthetic.wide.tips import Values, Whole

_HALF = 0.73
"""Farther from the field's middle than anything grows or looks."""
_CELLS = 220
_COARSE = _CELLS // 2
_CELL = 2 * _HALF / _CELLS


class Crowding:
    """Arteries and veins apart, tree by tree. Units: field diameters."""

    def __init__(self, spacing: float) -> None:
        self.owner = np.full(2 * _CELLS**2, -1, np.int64)
        # crowding is smooth: half the cells along a side will do
        self.length = np.zeros(2 * _COARSE**2, np.float32)
        self.crowd = np.zeros((2, _COARSE, _COARSE), np.float32)
        self.reach = max(0.42 * spacing, _CELL)

    def add(self, tree: Whole, vessel: Whole, x: Values, y: Values, *, length: float) -> None:
        """Enter nodes, each of which stands for `length` of its vessel."""
        self.owner[_cell(tree, x, y, _CELLS)] = vessel
        self.length[_cell(tree, x, y, _COARSE)] += length

    def update(self) -> None:
        """Look again at what a tree keeps away from: its own vessels, and those of the other tree less."""
        sigma = self.reach / (2 * _CELL)
        first, second = (cv2.GaussianBlur(plane, (0, 0), sigma) for plane in self.length.reshape(2, _COARSE, _COARSE))
        scale = sigma * math.sqrt(2 * math.pi) / (2 * _CELL)  # 1 on the middle line of a lone vessel
        cv2.addWeighted(first, scale, second, 0.4 * scale, 0, dst=self.crowd[0])
        cv2.addWeighted(second, scale, first, 0.4 * scale, 0, dst=self.crowd[1])

    def at(self, tree: Whole, x: Values, y: Values) -> Values:
        """How crowded a place is for a tree; 1 on a lone vessel of its own, 0 far from all."""
        return np.asarray(self.crowd.ravel()[_cell(tree, x, y, _COARSE)], dtype=np.float64)

    def vessel_at(self, tree: Whole, x: Values, y: Values) -> Whole:
        """Number of the vessel of a tree that is there, -1 for none."""
        return np.asarray(self.owner[_cell(tree, x, y, _CELLS)])


def _cell(tree: Whole, x: Values, y: Values, cells: int) -> Whole:
    per_unit = cells / (2 * _HALF)
    row, column = ((y + _HALF) * per_unit).astype(np.int64), ((x + _HALF) * per_unit).astype(np.int64)
    return (tree * cells + row) * cells + column
