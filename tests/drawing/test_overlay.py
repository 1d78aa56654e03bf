"""Contours leave the vessels as they are; a fill tints them and nothing else."""

import numpy as np
import pytest

from fundus_unet.drawing.overlay import CONTOUR, FILL, STYLES, VESSEL, vessel_overlay

IMAGE = np.full((20, 24, 3), (180, 60, 20), np.uint8)
MASK = np.zeros((20, 24), bool)
MASK[5:9, 4:20] = True
EVERYWHERE = np.ones((20, 24), bool)


def test_a_contour_is_a_line_around_the_vessel() -> None:
    overlay = vessel_overlay(IMAGE, MASK, EVERYWHERE, CONTOUR)
    drawn = (overlay == VESSEL).all(-1)
    expected = np.zeros_like(MASK)
    expected[4:10, 3:21] = True
    assert (drawn == (expected & ~MASK)).all()
    assert (overlay[~drawn] == IMAGE[~drawn]).all()


def test_a_fill_changes_the_vessel_alone() -> None:
    overlay = vessel_overlay(IMAGE, MASK, EVERYWHERE, FILL)
    changed = (overlay != IMAGE).any(-1)
    assert (changed == MASK).all()


def test_contours_are_wider_in_large_images() -> None:
    mask = np.zeros((8, 3100), bool)
    mask[4, 100] = True
    drawn = (vessel_overlay(np.zeros((8, 3100, 3), np.uint8), mask, np.ones_like(mask)) == VESSEL).all(-1)
    assert drawn[4].sum() == 4
    assert not drawn[4, 100]


@pytest.mark.parametrize("style", STYLES)
def test_the_field_of_view_is_outlined_where_it_ends_within_the_frame(style: str) -> None:
    region = np.zeros_like(MASK)
    region[2:18, 2:22] = True
    overlay = vessel_overlay(IMAGE, MASK, region, style)
    assert (overlay[2, 2:22] == 255).all()
    assert not (vessel_overlay(IMAGE, MASK, EVERYWHERE, style) == 255).all(-1).any()
    assert (IMAGE == (180, 60, 20)).all()
