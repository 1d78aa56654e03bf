"""The laws of division against what follows from them by hand."""

import numpy as np
import pytest

from fundus_unet.data.synthetic.wide.branching import angles, remaining


@pytest.mark.parametrize("exponent", [2.0, 2.6, 3.0])
def test_flow_is_kept(exponent: float) -> None:
    parent, child = np.array([1.0, 2.0]), np.array([0.5, 1.9])
    other = remaining(parent, child, np.full(2, exponent))
    np.testing.assert_allclose(parent**exponent, child**exponent + other**exponent)


def test_equal_daughters_part_by_75_degrees_as_murray_found() -> None:
    half = 2 ** (-1 / 3)
    first, second = angles(1.0, half, half)
    assert np.rad2deg(first + second) == pytest.approx(74.9, abs=0.1)


def test_the_finer_daughter_turns_more_and_a_twig_leaves_its_parent_straight() -> None:
    twig = 0.3
    turn, other = angles(1.0, twig, remaining(1.0, twig, 3.0))
    assert np.rad2deg(turn) > 60
    assert np.rad2deg(other) < 10
