"""What several networks make of one image, as tiles that stand next to each other."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.drawing.panel import FALSE_NEGATIVE, FALSE_POSITIVE, OUTSIDE, error_map

WINDOW = 0.2
"""Side of the enlarged part, as a share of the image's width."""
TILE = 360
"""Most pixels of a tile's width."""
FRAME = (230, 159, 0)
Window = tuple[slice, slice]


class Tile(NamedTuple):
    """A title and uint8 (h, w, 3) RGB."""

    title: str
    pixels: np.ndarray


class Shown(NamedTuple):
    """What may be shown beside the maps: the image, uint8 (h, w, 3) of any resolution, and its label {0, 1} (H, W)."""

    image: np.ndarray
    label: np.ndarray


def tiles_of(
    probabilities: Mapping[str, np.ndarray], control: str, field_of_view: np.ndarray, shown: Shown | None
) -> list[Tile]:
    """In pairs: of each variant the enlarged part of its map, and its errors beside it.

    Before them the image and its label, whole and enlarged. Where these may not be shown, the control's whole map
    takes their place, and each map's difference to the control's that of the errors.

    Shapes:
        `probabilities` {variant: float (H, W)}, with the control's among them; bool (H, W).

    Raises:
        InputError: Where the control's map is missing or shapes differ.
    """
    shapes = {variant: probability.shape for variant, probability in probabilities.items()}
    if control not in probabilities or set(shapes.values()) != {field_of_view.shape}:
        raise InputError("there are no maps to compare", expected=f"maps of {field_of_view.shape}", got=shapes)
    height, width = field_of_view.shape
    maps = list(probabilities.values())
    if len(maps) == 1 and shown:
        maps.append(shown.label)
    window = most_disputed_window(maps, field_of_view, max(1, round(WINDOW * width)))
    if shown:
        whole = cv2.resize(shown.image, (width, height), interpolation=cv2.INTER_AREA)
        label = probability_image(shown.label)
        tiles = [Tile("image", _framed(whole, window)), Tile("label", _framed(label, window))]
        tiles += [Tile("image, enlarged", whole[window]), Tile("label, enlarged", label[window])]
    else:
        tiles = [Tile(f"{control}, whole", _framed(probability_image(probabilities[control]), window))]
    for variant, probability in probabilities.items():
        tiles.append(Tile(variant, probability_image(probability)[window]))
        if shown:
            errors = error_map(probability, shown.label, field_of_view, 0.5)[window]
            tiles.append(Tile(f"{variant}, errors", errors))
        elif variant != control:
            difference = difference_image(probability - probabilities[control], field_of_view)[window]
            tiles.append(Tile(f"{variant}, difference", difference))
    return [Tile(tile.title, _fitted(tile.pixels)) for tile in tiles]


def most_disputed_window(maps: Sequence[np.ndarray], field_of_view: np.ndarray, side: int) -> Window:
    """The square in which the standard deviation between the maps is largest on average, within the image.

    Shapes:
        (H, W) each; the square has `side` pixels, or the image's shorter side.
    """
    height, width = field_of_view.shape
    side = min(side, height, width)
    disputed = np.stack(maps).std(axis=0) * field_of_view
    sums = cv2.integral(disputed.astype(np.float64))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return slice(int(top), int(top) + side), slice(int(left), int(left) + side)


def probability_image(probability: np.ndarray) -> np.ndarray:
    """Black 0 to white 1: (H, W) in [0, 1] -> uint8 (H, W, 3)."""
    return cv2.cvtColor(np.round(probability * 255.0).astype(np.uint8), cv2.COLOR_GRAY2RGB)


def difference_image(difference: np.ndarray, field_of_view: np.ndarray) -> np.ndarray:
    """Black for 0 to orange for +1 and blue for -1, grey outside: float (H, W), bool (H, W) -> uint8 (H, W, 3)."""
    colours = np.where(difference[..., None] > 0, FALSE_POSITIVE, FALSE_NEGATIVE)
    image = np.round(np.abs(difference)[..., None] * colours).astype(np.uint8)
    image[~field_of_view] = OUTSIDE
    return image


def _framed(panel: np.ndarray, window: Window) -> np.ndarray:
    rows, columns = window
    framed = panel.copy()
    thickness = max(1, panel.shape[1] // 150)
    cv2.rectangle(framed, (columns.start, rows.start), (columns.stop - 1, rows.stop - 1), FRAME, thickness)
    return framed


def _fitted(panel: np.ndarray) -> np.ndarray:
    height, width = panel.shape[:2]
    if width <= TILE:
        return panel
    return cv2.resize(panel, (TILE, max(1, round(height * TILE / width))), interpolation=cv2.INTER_AREA)
