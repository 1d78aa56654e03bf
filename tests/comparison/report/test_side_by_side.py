"""Tiles show every network, what it is compared with, and the place where the networks differ."""

import numpy as np
import pytest

from fundus_unet.comparison.report.side_by_side import (
    TILE,
    Shown,
    difference_image,
    most_disputed_window,
    tiles_of,
)
from fundus_unet.core.errors import InputError

FIELD = np.ones((60, 80), bool)
LABEL = np.zeros((60, 80), np.uint8)
LABEL[:, 40:] = 1
SHOWN = Shown(np.full((30, 40, 3), 77, np.uint8), LABEL)
ORANGE, BLUE = (230, 159, 0), (86, 180, 233)


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


def test_image_and_label_then_every_map_with_its_errors() -> None:
    maps = {"right": LABEL.astype(float), "all": np.ones((60, 80))}
    tiles = tiles_of(maps, "right", FIELD, SHOWN)
    titles = [tile.title for tile in tiles]
    assert titles[:4] == ["image", "label", "image, enlarged", "label, enlarged"]
    assert titles[4:] == ["right", "right, errors", "all", "all, errors"]
    pixels = {tile.title: tile.pixels for tile in tiles}
    assert pixels["image"].shape == (60, 80, 3)
    assert (pixels["image, enlarged"] == 77).all()
    assert pixels["all"].shape == (16, 16, 3)
    assert (pixels["all"] == 255).all()
    assert (pixels["all, errors"] == ORANGE).all(axis=2).any()
    assert not (pixels["right, errors"] == ORANGE).all(axis=2).any()


def test_maps_alone_show_no_image_and_no_label() -> None:
    maps = {"a": np.full((60, 80), 0.2), "control": np.full((60, 80), 0.4)}
    maps["a"][10:20, 10:20] = 0.9
    tiles = tiles_of(maps, "control", FIELD, None)
    assert [tile.title for tile in tiles] == ["control, whole", "a", "a, difference", "control"]
    difference = tiles[2].pixels.astype(int)
    assert (difference[..., 0] > difference[..., 2]).any(), "orange where the probability is higher"
    assert (difference[..., 0] < difference[..., 2]).any(), "blue where it is lower"
    for tile in (tiles[1], tiles[3]):
        assert (np.ptp(tile.pixels.astype(int), axis=2) == 0).all()


def test_one_network_is_shown_where_it_differs_from_the_label() -> None:
    probability = LABEL.astype(float)
    probability[20:24, 5:9] = 1
    tiles = {tile.title: tile.pixels for tile in tiles_of({"only": probability}, "only", FIELD, SHOWN)}
    assert (tiles["only, errors"] == ORANGE).all(axis=2).sum() == 16


def test_differences_are_orange_and_blue_and_grey_outside() -> None:
    field = np.array([[True, True, True, False]])
    image = difference_image(np.array([[1.0, -1.0, 0.0, 1.0]]), field)
    assert image.tolist() == [[list(ORANGE), list(BLUE), [0, 0, 0], [48, 48, 48]]]


def test_large_images_make_small_tiles() -> None:
    large = np.zeros((900, 2000))
    tiles = tiles_of({"a": large, "b": large}, "a", np.ones(large.shape, bool), None)
    assert max(tile.pixels.shape[1] for tile in tiles) == TILE
    assert tiles[0].pixels.shape == (162, 360, 3)


def test_bad_maps() -> None:
    with pytest.raises(InputError, match="no maps to compare"):
        tiles_of({}, "a", FIELD, None)
    with pytest.raises(InputError, match="no maps to compare"):
        tiles_of({"a": np.zeros((3, 3))}, "a", FIELD, None)
    with pytest.raises(InputError, match="no maps to compare"):
        tiles_of({"a": np.zeros((60, 80))}, "b", FIELD, None)
