"""Labels that tell arteries from veins by colour: no vein is lost, and what a colour does not say is refused."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.layouts import artery_vein, draw
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.reading import count_label_classes, read_label
from fundus_unet.data.images.vessel_codes import CODES, COLOURS

LABEL = draw(0)[1]
SHAPE = LABEL.shape
MAP = artery_vein(LABEL)
COLOUR = {name: tuple(255 * (index >> channel & 1) for channel in range(3)) for index, name in enumerate(COLOURS)}


def saved(path: Path, values: np.ndarray, **options) -> Path:
    Image.fromarray(values).save(path, **options)
    return path


def in_colours(*names: str) -> np.ndarray:
    """The label's pixels in these colours, in turn."""
    turn = (np.cumsum(LABEL > 0) - 1).reshape(SHAPE) % len(names)
    return (np.array([COLOUR[name] for name in names])[turn] * (LABEL > 0)[..., None]).astype(np.uint8)


def with_pixels(values: np.ndarray, count: int, colour: tuple[int, int, int]) -> np.ndarray:
    """A copy with the first vessel pixels in another colour."""
    changed = values.copy()
    changed[tuple(np.argwhere(LABEL > 0)[:count].T)] = colour
    return changed


@pytest.mark.parametrize(("channel", "lost"), [(0, 2), (1, 0), (2, 0)])
def test_no_vein_is_lost_though_each_channel_alone_loses_some(tmp_path, channel, lost) -> None:
    """`lost`: the channel of the vessels that are not in `channel`."""
    label = read_label(saved(tmp_path / "a.png", MAP), SHAPE)
    assert (label == LABEL // 255).all()
    not_there = (MAP[..., channel] == 0) & (MAP[..., lost] > 0)
    assert not_there.sum() > 0.3 * (LABEL > 0).sum()
    assert label[not_there].all()


def test_every_class_is_counted(tmp_path) -> None:
    counts = count_label_classes(saved(tmp_path / "a.png", MAP), SHAPE)
    is_colour = {name: (COLOUR[name] == MAP).all(axis=2).sum() for name in COLOURS}
    assert counts == {
        "artery": is_colour["red"],
        "vein": is_colour["blue"],
        "crossing": is_colour["green"],
        "unknown kind": is_colour["white"],
    }
    assert sum(counts.values()) == (LABEL > 0).sum()
    assert count_label_classes(saved(tmp_path / "b.png", LABEL), SHAPE) == {"vessel": (LABEL > 0).sum()}


@pytest.mark.parametrize("code", CODES, ids=lambda code: f"{code.artery} and {code.vein}")
def test_every_code_is_read(tmp_path, code) -> None:
    path = saved(tmp_path / "a.png", in_colours(*code.classes()))
    assert (read_label(path, SHAPE) == LABEL // 255).all()
    counts = count_label_classes(path, SHAPE)
    assert set(counts) == set(code.classes().values())
    assert min(counts.values()) > 0


@pytest.mark.parametrize("name", ["a.png", "a.gif", "a.tif", "a.ppm", "a.bmp"])
def test_every_lossless_format(tmp_path, name) -> None:
    assert (read_label(saved(tmp_path / name, MAP), SHAPE) == LABEL // 255).all()


def test_palette_files(tmp_path) -> None:
    palette = Image.fromarray(MAP).convert("P", palette=Image.Palette.ADAPTIVE, colors=5)
    palette.save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "P"
    assert (read_label(tmp_path / "a.png", SHAPE) == LABEL // 255).all()


def test_impure_colours_and_a_few_smoothed_pixels_are_read(tmp_path) -> None:
    impure = np.where(MAP > 0, 237, 28).astype(np.uint8)
    impure[LABEL == 0] = 3
    assert (read_label(saved(tmp_path / "a.png", impure), SHAPE) == LABEL // 255).all()
    few = (LABEL > 0).sum() // 200
    assert (read_label(saved(tmp_path / "b.png", with_pixels(MAP, few, (190, 60, 60))), SHAPE) == LABEL // 255).all()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (in_colours("red", "green"), ["channels", "red and blue", "[255, 0, 0] (", "[0, 255, 0] ("]),
        (in_colours("red"), ["channels", "[255, 0, 0]"]),
        (in_colours("white", "red"), ["channels"]),
        (with_pixels(with_pixels(in_colours("white"), 2, (0, 0, 255)), 1, (255, 0, 0)), ["channels", "2 coloured"]),
        (with_pixels(MAP, 60, (255, 128, 0)), ["not known", "60 pixels of other colours", "[255, 128, 0] (60)"]),
        (np.where(MAP > 0, 255, 0).astype(np.uint8) // 2, ["channels"]),
        (in_colours("yellow", "cyan", "red"), ["not known", "[255, 0, 0]"]),
        (np.where((LABEL > 0)[..., None], MAP, 255).astype(np.uint8), ["background", "white"]),
        (
            np.where((LABEL > 0)[..., None], in_colours("red", "blue"), [0, 255, 0]).astype(np.uint8),
            ["background", "green"],
        ),
    ],
)
def test_what_is_no_map_is_named(tmp_path, values, says) -> None:
    path = saved(tmp_path / "eye_label.png", values)
    for read in (read_label, count_label_classes):
        with pytest.raises(InputError) as raised:
            read(path, SHAPE)
        for words in [str(path), "expected", "got", "what to do", *says]:
            assert words in str(raised.value)


def test_a_map_as_jpeg_is_refused_with_advice(tmp_path) -> None:
    path = saved(tmp_path / "a.jpg", MAP, quality=90)
    with pytest.raises(InputError, match=r"JPEG changes values(.|\n)*PNG"):
        read_label(path, SHAPE)


def test_a_photograph_is_no_label(tmp_path) -> None:
    with pytest.raises(InputError, match="photo"):
        read_label(saved(tmp_path / "photo.png", draw(0)[0]), SHAPE)
