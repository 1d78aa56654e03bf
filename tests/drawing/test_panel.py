"""The figure a person looks at shows what was found, invented and missed."""

import numpy as np
import pytest

from fundus_unet.drawing.panel import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    OUTSIDE,
    SMALL,
    TRUE_POSITIVE,
    error_map,
    prediction_panel,
)

BLACK = (0, 0, 0)


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (0.5, [TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE, BLACK, OUTSIDE, OUTSIDE]),
        (0.7, [TRUE_POSITIVE, BLACK, FALSE_NEGATIVE, BLACK, OUTSIDE, OUTSIDE]),
    ],
)
def test_error_colours(threshold, expected):
    probability = np.array([[0.9, 0.5, 0.4, 0.1, 0.9, 0.9]])
    label = np.array([[1, 0, 1, 0, 1, 0]], np.uint8)
    inside = np.array([[1, 1, 1, 1, 0, 0]], bool)
    assert error_map(probability, label, inside, threshold)[0].tolist() == [list(colour) for colour in expected]


@pytest.mark.parametrize("shape", [(60, 80), (584, 565), (4, 400), (400, 4), (1, 1)], ids=str)
def test_four_tiles_of_the_labels_aspect(shape):
    width = 40
    label = np.zeros(shape, np.uint8)
    label[:, : shape[1] // 2] = 1
    panel = prediction_panel(
        np.full((30, 45, 3), (200, 90, 40), np.uint8),
        label,
        np.full(shape, 0.2),
        np.ones(shape, bool),
        tile_width=width,
    )
    height = max(1, round(shape[0] * width / shape[1]))
    assert panel.dtype == np.uint8
    assert panel.shape == (SMALL.height + height, 4 * width, 3)
    sample, vessels, probability, errors = np.split(panel[SMALL.height :], 4, axis=1)
    assert (sample == (200, 90, 40)).all()
    assert (probability == 51).all()
    if shape[1] > 1:
        assert (vessels[:, 0] == 255).all()
        assert (vessels[:, -1] == 0).all()
        assert (errors[:, 0] == FALSE_NEGATIVE).all()
        assert (errors[:, -1] == 0).all()


def test_the_threshold_reaches_the_error_tile():
    shape = (40, 40)
    arguments = np.zeros((*shape, 3), np.uint8), np.ones(shape, np.uint8), np.full(shape, 0.3), np.ones(shape, bool)
    for threshold, colour in ((0.25, TRUE_POSITIVE), (0.5, FALSE_NEGATIVE)):
        panel = prediction_panel(*arguments, threshold=threshold, tile_width=40)
        assert (panel[SMALL.height :, 120:] == colour).all()


def test_captions_are_written():
    shape = (40, 40)
    panel = prediction_panel(
        np.zeros((*shape, 3), np.uint8), np.ones(shape, np.uint8), np.zeros(shape), np.ones(shape, bool)
    )
    for caption in np.split(panel[: SMALL.height], 4, axis=1):
        assert caption.min() < 100
        assert caption[[0, -1]].min() == 255, "no letter is cut off"
