"""Where the vessels of drawn shapes branch, and what lies between."""

import cv2
import numpy as np
import pytest

from fundus_unet.metrics.topology import skeleton_of
from fundus_unet.metrics.vessel_tree import VesselTree, vessel_tree

SIDE = 200


def tree(mask: np.ndarray) -> VesselTree:
    return vessel_tree(mask, skeleton_of(mask))


def lines(*ends: tuple[tuple[int, int], tuple[int, int]], width: int = 5) -> np.ndarray:
    image = np.zeros((SIDE, SIDE), np.uint8)
    for start, end in ends:
        cv2.line(image, start, end, 1, width)
    return image.astype(bool)


SHAPES = {
    "a line": ([((20, 100), (180, 100))], 0, 1),
    "an oblique line": ([((20, 60), (180, 127))], 0, 1),
    "two lines": ([((20, 50), (180, 50)), ((20, 150), (180, 150))], 0, 2),
    "a corner": ([((20, 50), (150, 50)), ((150, 50), (150, 180))], 0, 1),
    "a fork": ([((100, 180), (100, 100)), ((100, 100), (40, 30)), ((100, 100), (160, 30))], 1, 3),
    "a T": ([((20, 100), (180, 100)), ((100, 100), (100, 180))], 1, 3),
    "a crossing": ([((20, 20), (180, 180)), ((180, 20), (20, 180))], 1, 4),
    "an oblique crossing": ([((20, 60), (180, 140)), ((20, 140), (180, 60))], 1, 4),
    "an upright crossing": ([((100, 20), (100, 180)), ((20, 100), (180, 100))], 1, 4),
    "two forks": (
        [
            ((20, 100), (60, 100)),
            ((60, 100), (100, 40)),
            ((60, 100), (120, 140)),
            ((120, 140), (180, 110)),
            ((120, 140), (150, 190)),
        ],
        2,
        5,
    ),
    "a comb": ([((10, 150), (190, 150)), *(((x, 150), (x, 60)) for x in (40, 80, 120, 160))], 4, 9),
}


@pytest.mark.parametrize("width", [1, 3, 5, 8])
@pytest.mark.parametrize(("ends", "branch_points", "segments"), SHAPES.values(), ids=SHAPES)
def test_shapes(ends, branch_points, segments, width):
    found = tree(lines(*ends, width=width))
    assert found.branch_points == branch_points
    assert len(found.segments) == segments


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_whichever_way_they_are_turned(turns):
    for ends, branch_points, segments in SHAPES.values():
        found = tree(np.rot90(lines(*ends), turns))
        assert (found.branch_points, len(found.segments)) == (branch_points, segments)


def test_a_ring_has_no_branch_and_one_segment_all_around():
    image = np.zeros((SIDE, SIDE), np.uint8)
    cv2.circle(image, (100, 100), 60, 1, 4)
    found = tree(image.astype(bool))
    assert found.branch_points == 0
    assert [len(segment) for segment in found.segments] == [pytest.approx(8 * 60 / np.sqrt(2), rel=0.05)]


def test_a_rough_edge_is_no_branch():
    generator = np.random.default_rng(0)
    mask = lines(((20, 100), (180, 100)), width=9)
    for x in range(25, 176):
        reach = generator.integers(0, 3, 2)
        mask[104 : 104 + reach[0] + 1, x] = True
        mask[96 - reach[1] : 97, x] = True
    found = tree(mask)
    assert (found.branch_points, len(found.segments)) == (0, 1)


def test_segments_are_in_order_and_cover_the_centreline_once():
    mask = lines(*SHAPES["a comb"][0])
    found = tree(mask)
    places = [tuple(place) for segment in found.segments for place in segment]
    assert len(set(places)) == len(places)
    assert all(mask[place] for place in places)
    for segment in found.segments:
        assert (np.abs(np.diff(segment, axis=0)).max(axis=1) == 1).all()
    assert len(places) == pytest.approx(180 + 4 * 90, rel=0.05)


@pytest.mark.parametrize("mask", [np.zeros((5, 7), bool), np.ones((1, 1), bool), np.ones((1, 9), bool)])
def test_next_to_nothing(mask):
    found = tree(mask)
    assert found.branch_points == 0
    assert sum(map(len, found.segments)) <= mask.sum()


def test_noise_does_not_stop_it():
    generator = np.random.default_rng(1)
    for share in (0.02, 0.3, 0.5, 0.7, 0.98):
        mask = generator.random((60, 80)) < share
        found = tree(mask)
        assert found.branch_points >= 0
        assert all(mask[tuple(segment.T)].all() for segment in found.segments)
