import numpy as np
import pytest

from fundus_unet.drawing.contact_sheet import COLUMNS, FRAME, OUTLINE, SPLIT_COLOURS, TILE, Tile, contact_sheet


def tile(name: str = "eye", marked: bool = False, split: str = "train", **parts: object) -> Tile:
    image = np.full((60, 80, 3), 90, np.uint8)
    label = np.zeros((60, 80), bool)
    label[20:40, 30:50] = True
    return Tile(name, split, parts.get("image", image), parts.get("label", label), "a note", marked)


def shows(sheet: np.ndarray, colour: tuple[int, int, int], least: int = 50) -> bool:
    return int((sheet == np.array(colour, np.uint8)).all(axis=2).sum()) >= least


def test_a_marked_tile_alone_has_a_red_frame() -> None:
    assert not shows(contact_sheet([tile()], "title"), FRAME)
    assert shows(contact_sheet([tile(), tile(marked=True)], "title"), FRAME, least=4 * TILE)


def test_the_outline_is_drawn_where_the_label_ends_and_not_inside() -> None:
    sheet = contact_sheet([tile()], "title")
    bare = contact_sheet([tile(label=None)], "title")
    rows, columns = np.nonzero((sheet != bare).any(axis=2))
    factor = TILE / 80
    assert (np.ptp(rows), np.ptp(columns)) == pytest.approx((20 * factor, 20 * factor), abs=3)
    middle = sheet[(rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2]
    assert (middle == 90).all()
    assert not shows(bare, OUTLINE, least=1)


def test_each_split_has_its_colour() -> None:
    bare = contact_sheet([tile(split="none")], "title")  # with the legend
    for split, colour in SPLIT_COLOURS.items():
        many = contact_sheet([tile(split=split)], "title")
        assert (many == np.array(colour)).all(axis=2).sum() > (bare == np.array(colour)).all(axis=2).sum()


def test_rows_of_columns_and_an_image_that_could_not_be_read() -> None:
    one, two = contact_sheet([tile()] * COLUMNS, "title"), contact_sheet([tile()] * (COLUMNS + 1), "title")
    assert one.shape[1] == two.shape[1]
    assert two.shape[0] > one.shape[0] + TILE // 2
    assert contact_sheet([tile(image=None, label=None, marked=True)], "t").shape[0] > TILE // 2


def test_a_long_name_stays_within_its_tile() -> None:
    short, long = tile(), tile(name="a_very_long_name_of_an_image_" * 6)
    sheet = contact_sheet([long, short, short], "title")
    same = contact_sheet([short, short, short], "title")
    half = sheet.shape[1] // 2
    assert (sheet[:, half:] == same[:, half:]).all()
