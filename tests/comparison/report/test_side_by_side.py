"""Side-by-side figures show every network, and the place where they differ."""

import numpy as np
import pytest

from fundus_unet.comparison.report.side_by_side import GAP, most_disputed_window, predictions_side_by_side
from fundus_unet.core.errors import InputError
from fundus_unet.drawing.panel import CAPTION_HEIGHT

FIELD = np.ones((60, 80), bool)


def test_the_window_holds_the_dispute() -> None:
    first, second = np.zeros((60, 80)), np.zeros((60, 80))
    second[40:44, 60:64] = 1
    rows, columns = most_disputed_window([first, second], FIELD, 10)
    assert rows.start <= 40
    assert rows.stop >= 44
    assert columns.start <= 60
    assert columns.stop >= 64
    assert (rows.stop - rows.start, columns.stop - columns.start) == (10, 10)


def test_disputes_outside_the_field_of_view_do_not_count() -> None:
    first, second, field = np.zeros((60, 80)), np.zeros((60, 80)), FIELD.copy()
    second[40:44, 60:64] = 1
    second[5:7, 5:7] = 0.1
    field[:, 50:] = False
    rows, columns = most_disputed_window([first, second], field, 10)
    assert rows.start <= 5 < rows.stop
    assert columns.start <= 5 < columns.stop


def test_a_small_image_is_its_own_window() -> None:
    assert most_disputed_window([np.zeros((4, 9))], np.ones((4, 9), bool), 160) == (slice(0, 4), slice(0, 4))


def test_every_map_is_shown_whole_and_enlarged_and_nothing_else_without_a_label() -> None:
    maps = {"a": np.zeros((60, 80)), "b": np.ones((60, 80))}
    panel = predictions_side_by_side(maps, FIELD, columns=2, tile_width=80, window_side=20)
    assert panel.shape == (60 + CAPTION_HEIGHT + GAP + 80 + CAPTION_HEIGHT + GAP, 2 * (80 + GAP), 3)
    first, second = panel[CAPTION_HEIGHT:88, :80], panel[CAPTION_HEIGHT:88, 86:166]
    assert np.median(first) == 0
    assert np.median(second) == 255
    below = panel[60 + 2 * CAPTION_HEIGHT + GAP : -GAP]
    assert (below[:, :80] == 0).all()
    assert (below[:, 86:166] == 255).all()


def test_with_a_label_errors_are_shown_in_their_colours() -> None:
    label = np.zeros((60, 80), np.uint8)
    label[:, 40:] = 1
    maps = {"right": label.astype(float), "all": np.ones((60, 80))}
    sample = np.full((30, 40, 3), 77, np.uint8)
    panel = predictions_side_by_side(maps, FIELD, sample, label, columns=4, tile_width=80, window_side=20)
    assert (panel == 77).all(axis=2).sum() > 1000
    errors = panel[-(80 + GAP) : -GAP]
    assert (errors[:, 86:166] == (230, 159, 0)).all(axis=2).any()
    assert not (errors[:, :80] == (230, 159, 0)).all(axis=2).any()


def test_bad_maps() -> None:
    with pytest.raises(InputError, match="no maps to compare"):
        predictions_side_by_side({}, FIELD)
    with pytest.raises(InputError, match="no maps to compare"):
        predictions_side_by_side({"a": np.zeros((3, 3))}, FIELD)
