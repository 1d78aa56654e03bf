"""Many images on one sheet, each with the outline of its label, for a person to look over."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from fundus_unet.core.plain_text import printable

# Okabe & Ito's palette: told apart with any colour vision
SPLIT_COLOURS = {"train": (0, 114, 178), "val": (230, 159, 0), "test": (0, 158, 115)}
OUTLINE = (0, 255, 255)
FRAME = (214, 30, 30)
INK, PAPER, MISSING = (20, 20, 20), (255, 255, 255), (128, 128, 128)
TILE = 300
"""Pixels, of the longer side of an image."""
COLUMNS = 6
MOST = 60
_GAP, _BORDER, _LINE, _HEAD, _FONT = 8, 5, 19, 58, 14
_LEGEND = "cyan: outline of the label; red frame: error or warning"


@dataclass(frozen=True)
class Tile:
    """One image of a sheet.

    Shapes:
        image (h, w, 3) uint8 RGB, None where it could not be read; label (h, w) bool.
    """

    name: str
    split: str
    image: np.ndarray | None
    label: np.ndarray | None
    note: str
    marked: bool


def contact_sheet(tiles: Sequence[Tile], title: str) -> np.ndarray:
    """Tiles in rows of up to `COLUMNS`, in their order; marked ones have a red frame and their note in red.

    Shapes:
        -> (height, width, 3) uint8 RGB.
    """
    columns = max(1, min(COLUMNS, len(tiles)))
    sides = [_size(tile) for tile in tiles] or [(TILE, TILE)]
    high, wide = max(height for height, _ in sides), TILE
    cell = wide + 2 * _BORDER, high + 2 * _BORDER + 2 * _LINE
    rows = -(-len(tiles) // columns)
    width = max(columns * (cell[0] + _GAP) + _GAP, 2 * TILE)
    sheet = Image.new("RGB", (width, _HEAD + rows * (cell[1] + _GAP) + _GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=_FONT)
    _head(draw, title, width)
    for number, tile in enumerate(tiles):
        left = _GAP + number % columns * (cell[0] + _GAP)
        top = _HEAD + number // columns * (cell[1] + _GAP)
        thumbnail = Image.fromarray(_outlined(tile, _size(tile)))
        if tile.marked:
            corner = left + thumbnail.width + 2 * _BORDER - 1, top + thumbnail.height + 2 * _BORDER - 1
            draw.rectangle([(left, top), corner], fill=FRAME)
        sheet.paste(thumbnail, (left + _BORDER, top + _BORDER))
        under = top + thumbnail.height + 2 * _BORDER + 1
        colour = SPLIT_COLOURS.get(tile.split, MISSING)
        draw.rectangle([(left, under + 2), (left + 12, under + 14)], fill=colour)
        _write(draw, (left + 18, under), f"{tile.name}  {tile.split}", font, INK, cell[0] - 18)
        _write(draw, (left, under + _LINE), tile.note, font, FRAME if tile.marked else INK, cell[0])
    return np.asarray(sheet)


def _head(draw: ImageDraw.ImageDraw, title: str, width: int) -> None:
    font = ImageFont.load_default(size=_FONT + 4)
    legend = 62 * len(SPLIT_COLOURS)
    _write(draw, (_GAP, 8), title, font, INK, width - legend - 3 * _GAP)
    _write(draw, (_GAP, 32), _LEGEND, ImageFont.load_default(size=_FONT), INK, width - 2 * _GAP)
    for number, (split, colour) in enumerate(SPLIT_COLOURS.items()):
        left = width - legend + 62 * number
        draw.rectangle([(left, 13), (left + 12, 25)], fill=colour)
        draw.text((left + 16, 9), split, fill=INK, font=ImageFont.load_default(size=_FONT))


def _write(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    colour: tuple[int, int, int],
    room: float,
) -> None:
    """Text on one line; what does not fit is cut, with dots."""
    shown = text = printable(text)
    while len(shown) > 1 and draw.textlength(shown, font=font) > room:
        text = text[:-1]
        shown = f"{text.rstrip()}..."
    draw.text(place, shown, fill=colour, font=font)


def _size(tile: Tile) -> tuple[int, int]:
    """Height and width on the sheet."""
    if tile.image is None:
        return TILE * 3 // 4, TILE
    height, width = tile.image.shape[:2]
    factor = TILE / max(height, width)
    return max(1, round(height * factor)), max(1, round(width * factor))


def _outlined(tile: Tile, size: tuple[int, int]) -> np.ndarray:
    if tile.image is None:
        return np.full((*size, 3), MISSING, np.uint8)
    shrinks = size[0] < tile.image.shape[0]
    thumbnail = cv2.resize(tile.image, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    if tile.label is None:
        return np.asarray(thumbnail)
    # at twice the size, so that the line is half a pixel wide and leaves thin vessels to be seen
    label = cv2.resize(tile.label.astype(np.float32), (2 * size[1], 2 * size[0]), interpolation=cv2.INTER_LINEAR) > 0.5
    outlines, _ = cv2.findContours(label.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    double = cv2.resize(thumbnail, (2 * size[1], 2 * size[0]), interpolation=cv2.INTER_LINEAR)
    cv2.drawContours(double, outlines, -1, OUTLINE, thickness=1)
    return np.asarray(cv2.resize(double, size[::-1], interpolation=cv2.INTER_AREA))
