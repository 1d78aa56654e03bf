"""Image, label, probability and errors in two rows, large enough to be read where figures are shown small."""

import cv2
import numpy as np
import torch

from fundus_unet.drawing.panel import error_map

CAPTIONS = ("image", "label", "vessel probability", "orange false, blue missed")
CAPTION_HEIGHT, GAP = 36, 4


def prediction_grid(
    image: np.ndarray,
    label: np.ndarray,
    probability: np.ndarray,
    field_of_view: np.ndarray,
    threshold: float = 0.5,
    tile_width: int = 400,
) -> np.ndarray:
    """Four captioned figures, two by two, by torchvision's `make_grid`.

    Shapes:
        uint8 (h, w, 3), of any resolution; {0, 1} (H, W), float (H, W), bool (H, W) -> uint8 RGB,
        `2 * tile_width + 3 * GAP` wide.
    """
    from torchvision.utils import make_grid  # takes a second

    size = (tile_width, max(1, round(label.shape[0] * tile_width / label.shape[1])))
    tiles = (
        image,
        cv2.cvtColor(label * np.uint8(255), cv2.COLOR_GRAY2RGB),
        cv2.cvtColor(np.round(probability * 255).astype(np.uint8), cv2.COLOR_GRAY2RGB),
        error_map(probability, label, field_of_view, threshold),
    )
    captioned = [_captioned(tile, text, size) for tile, text in zip(tiles, CAPTIONS, strict=True)]
    stacked = torch.from_numpy(np.stack(captioned)).permute(0, 3, 1, 2)
    grid: np.ndarray = make_grid(stacked, nrow=2, padding=GAP, pad_value=255).permute(1, 2, 0).numpy()
    return grid


def _captioned(tile: np.ndarray, text: str, size: tuple[int, int]) -> np.ndarray:
    tile = cv2.resize(tile, size, interpolation=cv2.INTER_AREA if size[0] < tile.shape[1] else cv2.INTER_CUBIC)
    caption = np.full((CAPTION_HEIGHT, size[0], 3), 255, np.uint8)
    cv2.putText(caption, text, (6, CAPTION_HEIGHT - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.85, (0, 0, 0), 2, cv2.LINE_AA)
    return np.vstack([caption, tile])
