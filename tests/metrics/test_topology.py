import itertools
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.topology import CentrelineOverlap, betti0_error, centreline_overlap, thinned

masks = arrays(bool, (12, 11))


def drawing(*rows: str) -> np.ndarray:
    return np.array([[character == "#" for character in row] for row in rows])


def tube(width: int, breaks: tuple[int, ...] = ()) -> np.ndarray:
    """A horizontal vessel in rows around 20, columns 10 to 109, with gaps of 3 columns where broken."""
    mask = np.zeros((40, 120), bool)
    mask[20 - width // 2 : 20 + width // 2 + 1, 10:110] = True
    for column in breaks:
        mask[:, column : column + 3] = False
    return mask


def compare(prediction: np.ndarray, label: np.ndarray, region: np.ndarray | None = None) -> tuple[float, int]:
    one, other = thinned(prediction, region), thinned(label, region)
    return centreline_overlap(one, other).cldice, betti0_error(one, other)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


LABEL = drawing(
    "........",
    ".######.",  # a line of one pixel is its own skeleton
    "........",
    "........",
    ".##.....",
    "........",
)
PREDICTION = drawing(
    "........",
    ".###.##.",
    "........",
    "......#.",
    ".##..#..",  # touches the pixel above by its corner alone
    "........",
)


def test_counts_of_lines_one_pixel_wide_by_hand():
    prediction, label = thinned(PREDICTION), thinned(LABEL)
    overlap = centreline_overlap(prediction, label)
    assert overlap == CentrelineOverlap(prediction=9, prediction_in_label=7, label=8, label_in_prediction=7)
    assert overlap.topology_precision == 7 / 9
    assert overlap.topology_sensitivity == 7 / 8
    assert overlap.cldice == pytest.approx(2 * 7 / (9 + 8))
    assert (prediction.components, label.components) == (4, 2)
    assert betti0_error(prediction, label) == betti0_error(label, prediction) == 2


def test_pieces_that_touch_by_a_corner_are_one():
    assert thinned(drawing("#..", ".#.", "..#")).components == 1
    assert thinned(drawing("#..", "...", "..#")).components == 2


def test_the_skeleton_is_looked_up_in_the_other_mask_not_in_its_skeleton():
    wide, line = tube(9), tube(1)
    shifted = np.roll(line, 3, axis=0)
    assert not (thinned(wide).skeleton & thinned(shifted).skeleton).any()
    overlap = centreline_overlap(thinned(shifted), thinned(wide))
    assert overlap.topology_precision == 1
    assert overlap.topology_sensitivity == 0
    assert overlap.cldice == 0


@pytest.mark.parametrize("width", [3, 5, 9])
def test_width_changes_dice_and_not_cldice(width):
    label, prediction = tube(5), tube(width)
    assert compare(prediction, label) == (1.0, 0)
    if width != 5:
        assert dice(prediction, label) < 0.8


@pytest.mark.parametrize("breaks", [(30,), (30, 60), (20, 35, 50, 65, 80, 95)])
def test_every_break_is_one_more_piece_and_costs_its_length_of_centreline(breaks):
    label, prediction = tube(5), tube(5, breaks)
    overlap = centreline_overlap(thinned(prediction), thinned(label))
    assert betti0_error(thinned(prediction), thinned(label)) == len(breaks)
    assert overlap.topology_precision == 1
    assert overlap.label - overlap.label_in_prediction == 3 * len(breaks)
    assert overlap.cldice < 1


def test_more_breaks_lower_cldice_further():
    values = [compare(tube(5, tuple(range(20, 20 + 15 * count, 15))), tube(5))[0] for count in range(6)]
    assert values[0] == 1
    assert all(fewer > more for fewer, more in itertools.pairwise(values))


def test_specks_away_from_the_vessel_count_as_pieces_and_as_false_centreline():
    prediction = tube(5)
    prediction[[3, 3, 35], [5, 50, 90]] = True
    overlap = centreline_overlap(thinned(prediction), thinned(tube(5)))
    assert betti0_error(thinned(prediction), thinned(tube(5))) == 3
    assert overlap.prediction - overlap.prediction_in_label == 3
    assert overlap.topology_sensitivity == 1


def test_a_tree_with_loops_is_one_piece():
    canvas = np.zeros((100, 100), np.uint8)
    for centre in ((40, 40), (60, 60)):
        cv2.circle(canvas, centre, 20, 1, thickness=5)
    ring = thinned(canvas)
    assert ring.components == 1
    assert 200 < ring.skeleton.sum() < 280, "two circles of radius 20, and not their areas"


def test_outside_the_region_is_background():
    prediction, label, region = tube(5), tube(5), np.zeros((40, 120), bool)
    region[:, 40:80] = True
    inside = compare(prediction & region, label & region)
    prediction[:, :35] = False
    prediction[2:5, 90:95] = label[35:, 100:] = True
    assert compare(prediction, label, region) == inside == (1.0, 0)
    cldice, error = compare(prediction, label)
    assert cldice < 0.9
    assert error == 0, "one piece too many in each"
    assert thinned(prediction, region).mask[~region].sum() == 0


def test_a_region_that_cuts_a_vessel_makes_two_pieces_of_it():
    region = np.ones((40, 120), bool)
    region[:, 50:60] = False
    assert thinned(tube(5)).components == 1
    assert thinned(tube(5), region).components == 2


def test_values_outside_the_region_are_not_looked_at():
    mask, region = tube(5).astype(np.float32), np.ones((40, 120), bool)
    mask[:, 0], region[:, 0] = np.nan, False
    assert thinned(mask, region).components == 1
    with pytest.raises(InputError, match="not binary"):
        thinned(mask)


def test_empty_masks():
    nothing, something = np.zeros((40, 120), bool), tube(5)
    assert betti0_error(thinned(nothing), thinned(nothing)) == 0
    assert betti0_error(thinned(nothing), thinned(something)) == 1
    both, missed, invented = (
        centreline_overlap(thinned(one), thinned(other))
        for one, other in ((nothing, nothing), (nothing, something), (something, nothing))
    )
    assert all(math.isnan(value) for value in (both.cldice, both.topology_precision, both.topology_sensitivity))
    assert (missed.cldice, missed.topology_sensitivity) == (0, 0)
    assert math.isnan(missed.topology_precision)
    assert (invented.cldice, invented.topology_precision) == (0, 0)
    assert math.isnan(invented.topology_sensitivity)
    assert math.isnan(compare(something, something, nothing)[0])


def test_pooled_is_the_score_of_summed_counts():
    pairs = [(PREDICTION, LABEL), (tube(5, (30, 60)), tube(5)), (np.roll(tube(1), 1, axis=1), tube(1))]
    each = [centreline_overlap(thinned(one), thinned(other)) for one, other in pairs]
    pooled = sum(each, start=CentrelineOverlap())
    assert pooled.prediction == sum(overlap.prediction for overlap in each)
    precision = sum(overlap.prediction_in_label for overlap in each) / sum(overlap.prediction for overlap in each)
    sensitivity = sum(overlap.label_in_prediction for overlap in each) / sum(overlap.label for overlap in each)
    assert pooled.cldice == pytest.approx(2 / (1 / precision + 1 / sensitivity))
    assert pooled.cldice != pytest.approx(np.mean([overlap.cldice for overlap in each]), abs=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_zeros_and_ones_of_any_type_are_a_mask(dtype):
    one, other = thinned(PREDICTION.astype(dtype)), thinned(PREDICTION)
    assert one.mask.dtype == one.skeleton.dtype == bool
    assert one.components == other.components
    np.testing.assert_array_equal(one.skeleton, other.skeleton)


@pytest.mark.parametrize(
    ("mask", "region", "problem"),
    [
        (PREDICTION * np.uint8(255), None, "not binary"),
        (PREDICTION * 0.5, None, "not binary"),
        (PREDICTION[None], None, "one image"),
        (PREDICTION, PREDICTION[1:], "differ in shape"),
    ],
)
def test_bad_masks_are_refused(mask, region, problem):
    with pytest.raises(InputError, match=problem):
        thinned(mask, region)


@pytest.mark.parametrize("score", [centreline_overlap, betti0_error])
def test_masks_of_different_shape_are_refused(score):
    with pytest.raises(InputError, match="differ in shape"):
        score(thinned(PREDICTION), thinned(PREDICTION[1:]))


@settings(max_examples=60, deadline=None)
@given(prediction=masks, label=masks)
def test_any_two_masks(prediction, label):
    one, other = thinned(prediction), thinned(label)
    for mask in (one, other):
        assert not (mask.skeleton & ~mask.mask).any()
        # cv2 draws and counts by itself; a piece without a skeleton would count in Betti-0 and not in clDice.
        pieces, numbered = cv2.connectedComponents(mask.mask.astype(np.uint8), connectivity=8)
        assert mask.components == pieces - 1
        assert set(numbered[mask.skeleton]) == set(range(1, pieces))
    forth, back = centreline_overlap(one, other), centreline_overlap(other, one)
    assert forth.cldice == pytest.approx(back.cldice, nan_ok=True)
    assert forth.topology_precision == pytest.approx(back.topology_sensitivity, nan_ok=True)
    assert math.isnan(forth.cldice) == (not prediction.any() and not label.any())
    assert math.isnan(forth.cldice) or 0 <= forth.cldice <= 1
    if prediction.any():
        assert compare(prediction, prediction) == (1.0, 0)
