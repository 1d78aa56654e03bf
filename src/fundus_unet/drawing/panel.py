"""Image, label, probability and errors side by side, for a person to look at."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

# Okabe & Ito's palette: told apart with any colour vision, and in grey
FALSE_POSITIVE = (230, 159, 0)
FALSE_NEGATIVE = (86, 180, 233)
TRUE_POSITIVE = (255, 255, 255)
OUTSIDE = (48, 48, 48)
CAPTIONS = ("image", "label", "vessel probability", "errors: orange false, blue missed")


@dataclass(frozen=True)
class Caption:
    """How captions are written; heights in pixels, `scale` and `thickness` in OpenCV's units."""

    height: int
    scale: float
    thickness: int


SMALL, LARGE = Caption(28, 0.55, 1), Caption(36, 0.85, 2)


def error_map(probability: np.ndarray, label: np.ndarray, field_of_view: np.ndarray, threshold: float) -> np.ndarray:
    """Found vessels white, false ones orange, missed ones blue, outside the field of view grey.

    Shapes:
        (H, W) each -> uint8 (H, W, 3) RGB.
    """
    predicted, vessel = probability >= threshold, label > 0
    errors = np.zeros((*label.shape, 3), np.uint8)
    errors[predicted & vessel] = TRUE_POSITIVE
    errors[predicted & ~vessel] = FALSE_POSITIVE
    errors[~predicted & vessel] = FALSE_NEGATIVE
    errors[~field_of_view] = OUTSIDE
    return errors


def prediction_panel(
    image: np.ndarray,
    label: np.ndarray,
    probability: np.ndarray,
    field_of_view: np.ndarray,
    threshold: float = 0.5,
    tile_width: int = 480,
) -> np.ndarray:
    """Four captioned figures in a row.

    Shapes:
        uint8 (h, w, 3), of any resolution; {0, 1} (H, W), float (H, W), bool (H, W) -> uint8 RGB, `4 * tile_width`
        wide.
    """
    errors = error_map(probability, label, field_of_view, threshold)
    return np.hstack(captioned_tiles(image, label, errors, probability, tile_width))


def captioned_tiles(
    image: np.ndarray,
    label: np.ndarray,
    errors: np.ndarray,
    probability: np.ndarray,
    tile_width: int,
    captions: Sequence[str] = CAPTIONS,
    style: Caption = SMALL,
) -> list[np.ndarray]:
    """Image, label, probability and errors, each `tile_width` wide below its caption.

    Shapes:
        uint8 (h, w, 3); {0, 1} (H, W); uint8 (H, W, 3); float (H, W) -> four of uint8 (height, tile_width, 3).
    """
    size = (tile_width, max(1, round(label.shape[0] * tile_width / label.shape[1])))
    tiles = (
        image,
        cv2.cvtColor(label * np.uint8(255), cv2.COLOR_GRAY2RGB),
        cv2.cvtColor(np.round(probability * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB),
        errors,
    )
    return [captioned(tile, text, size, style) for tile, text in zip(tiles, captions, strict=True)]


def captioned(tile: np.ndarray, text: str, size: tuple[int, int], style: Caption = SMALL) -> np.ndarray:
    """A figure resized to `size` = (width, height), below its caption.

    Shapes:
        uint8 (h, w, 3) RGB -> (height + style.height, width, 3).
    """
    width = size[0]
    tile = cv2.resize(tile, size, interpolation=cv2.INTER_AREA if width < tile.shape[1] else cv2.INTER_CUBIC)
    caption = np.full((style.height, width, 3), 255, np.uint8)
    scale, foot = style.scale * min(1, width / 400), (6, style.height - 9)
    cv2.putText(caption, text, foot, cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), style.thickness, cv2.LINE_AA)
    return np.vstack([caption, tile])
