"""Diameters of a grown tree from the flow through it."""

import numpy as np
from numpy.typing import NDArray

from fundus_unet.data.synthetic.trunks import STEP
from fundus_unet.data.synthetic.vessel_tree import Branch

# Branches too fine to be drawn leave a vessel along its length, more of them from a trunk than from a twig.
_LOSS_BY_GENERATION = (1.0, 0.7, 0.4, 0.2)


def tree_diameters(rng: np.random.Generator, branches: list[Branch], tip_diameter: float) -> list[NDArray[np.float64]]:
    """Diameter at every node of every branch.

    Flow is the cube of the diameter and is conserved where a vessel divides, d0^3 = d1^3 + d2^3; along a vessel it
    falls by what unseen side branches take. How much they take follows from the diameter given for each trunk.

    Units:
        field diameters.

    Source:
        Murray, The physiological principle of minimum work, PNAS 12, 1926.
    """
    tip_flow = [np.zeros(len(branch.points)) for branch in branches]
    loss = [np.full(len(branch.points), STEP * _loss_rate(branch) * rng.lognormal(0, 0.7)) for branch in branches]
    for index in reversed(range(len(branches))):
        branch = branches[index]
        share = branch.exit_diameter or tip_diameter * rng.uniform(0.8, 1.3)
        tip_flow[index][-1] += share**3
        tip_flow[index] = np.cumsum(tip_flow[index][::-1])[::-1]
        loss[index] = np.cumsum(loss[index][::-1])[::-1]
        if branch.parent >= 0:
            tip_flow[branch.parent][branch.parent_node] += tip_flow[index][0]
            loss[branch.parent][branch.parent_node] += loss[index][0]
    rates = np.zeros(len(branches))
    diameters = []
    for index, branch in enumerate(branches):
        if branch.parent >= 0:
            rates[index] = rates[branch.parent]
        else:
            rates[index] = max(branch.root_diameter**3 - tip_flow[index][0], 0.0) / loss[index][0]
        diameters.append(np.cbrt(tip_flow[index] + rates[index] * loss[index]))
    return diameters


def _loss_rate(branch: Branch) -> float:
    return _LOSS_BY_GENERATION[min(branch.generation, len(_LOSS_BY_GENERATION) - 1)]
