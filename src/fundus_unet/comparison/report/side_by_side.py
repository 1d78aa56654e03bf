"""What several networks make of the same image, next to each other."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.drawing.panel import captioned, error_map

GAP = 6
Window = tuple[slice, slice]


def most_disputed_window(probabilities: Sequence[np.ndarray], field_of_view: np.ndarray, side: int) -> Window:
    """The square in which the standard deviation between the maps is largest on average, within the image.

    Shapes:
        (H, W) each; the square has `side` pixels, or the image's shorter side.
    """
    height, width = field_of_view.shape
    side = min(side, height, width)
    disputed = np.stack(probabilities).std(axis=0) * field_of_view
    sums = cv2.integral(disputed.astype(np.float64))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return slice(int(top), int(top) + side), slice(int(left), int(left) + side)


def probability_image(probability: np.ndarray) -> np.ndarray:
    """Black 0 to white 1: float (H, W) in [0, 1] -> uint8 (H, W, 3)."""
    return cv2.cvtColor(np.round(probability * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)


def predictions_side_by_side(
    probabilities: Mapping[str, np.ndarray],
    field_of_view: np.ndarray,
    sample: np.ndarray | None = None,
    label: np.ndarray | None = None,
    columns: int = 4,
    tile_width: int = 360,
    window_side: int = 160,
) -> np.ndarray:
    """Whole maps, then the window that the networks dispute most, enlarged; then their errors, where a label is given.

    Shapes:
        `probabilities` {caption: float (H, W)}, bool (H, W), image uint8 (h, w, 3) of any resolution, label {0, 1}
        (H, W) -> uint8 RGB, `columns * tile_width` wide and some gaps.

    Raises:
        InputError: Where there is no map or shapes differ.
    """
    shapes = {caption: probability.shape for caption, probability in probabilities.items()}
    if not shapes or set(shapes.values()) != {field_of_view.shape}:
        raise InputError("there are no maps to compare", expected=f"maps of {field_of_view.shape}", got=shapes)
    height, width = field_of_view.shape
    window = most_disputed_window(list(probabilities.values()), field_of_view, window_side)
    whole: dict[str, np.ndarray] = {}
    if sample is not None:
        whole["image"] = cv2.resize(sample, (width, height), interpolation=cv2.INTER_AREA)
    if label is not None:
        whole["label"] = probability_image(label.astype(np.float32))
    whole |= {caption: probability_image(probability) for caption, probability in probabilities.items()}
    enlarged = {caption: panel[window] for caption, panel in whole.items()}
    groups = [{caption: _with_frame(panel, window) for caption, panel in whole.items()}, enlarged]
    if label is not None:
        errors = {
            f"errors: {caption}": error_map(probability, label, field_of_view, 0.5)[window]
            for caption, probability in probabilities.items()
        }
        groups.append(errors)
    return np.vstack([_tiled(group, columns, tile_width) for group in groups])


def _with_frame(panel: np.ndarray, window: Window) -> np.ndarray:
    rows, columns = window
    framed = panel.copy()
    thickness = max(1, panel.shape[1] // 300)
    cv2.rectangle(framed, (columns.start, rows.start), (columns.stop - 1, rows.stop - 1), (230, 159, 0), thickness)
    return framed


def _tiled(panels: Mapping[str, np.ndarray], columns: int, tile_width: int) -> np.ndarray:
    """Captioned panels of equal shape in rows; the last row is filled up with white."""
    first = next(iter(panels.values()))
    size = (tile_width, max(1, round(first.shape[0] * tile_width / first.shape[1])))
    tiles = [captioned(panel, caption, size) for caption, panel in panels.items()]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    tiles = [cv2.copyMakeBorder(tile, 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=(255, 255, 255)) for tile in tiles]
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])
