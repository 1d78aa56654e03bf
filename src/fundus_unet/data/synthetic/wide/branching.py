"""The laws by which a retinal vessel divides: diameters and angles of two daughters.

Source:
    Murray, The physiological principle of minimum work, PNAS 12, 1926: d0^x = d1^x + d2^x with x = 3.
    Luo et al., Retinal vascular branching in healthy and diabetic subjects, IOVS 58, 2017: x = 2.59 in arteries and
    1.95 in veins wider than 50 micrometres of healthy eyes; 78 degrees between daughters.
    Zamir, Nonsymmetrical bifurcations in arterial branching, J. Gen. Physiol. 72, 1978: the angles of least pumping
    power; Zamir, Medeiros and Cunningham, Arterial bifurcations in the human retina, J. Gen. Physiol. 74, 1979.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value", float, NDArray[np.float64])


def remaining(parent: Value, child: Value, exponent: Value) -> Value:
    """Diameter of the other daughter, from the diameters of the parent and of one daughter, which is finer.

    Shapes:
        numbers, or (n,) each.
    """
    return (parent**exponent - child**exponent) ** (1 / exponent)


def angles(parent: Value, child: Value, other: Value) -> tuple[Value, Value]:
    """How far each of two daughters turns off the parent's way.

    Shapes:
        numbers, or (n,) each.

    Units:
        radians, from 0 up; the daughters turn to different sides.
    """
    return _turn(parent, child, other), _turn(parent, other, child)


def _turn(parent: Value, own: Value, other: Value) -> Value:
    cosine = (parent**4 + own**4 - other**4) / (2 * parent**2 * own**2)
    return np.arccos(np.minimum(np.maximum(cosine, -0.2), 1.0))
