"""Image, label, probability and errors in two rows, large enough to be read where figures are shown small."""

import numpy as np
import torch

from fundus_unet.drawing.panel import LARGE, captioned_tiles, error_map

CAPTIONS = ("image", "label", "vessel probability", "orange false, blue missed")
GAP = 4


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

    errors = error_map(probability, label, field_of_view, threshold)
    tiles = captioned_tiles(image, label, errors, probability, tile_width, CAPTIONS, LARGE)
    stacked = torch.from_numpy(np.stack(tiles)).permute(0, 3, 1, 2)
    grid: np.ndarray = make_grid(stacked, nrow=2, padding=GAP, pad_value=255).permute(1, 2, 0).numpy()
    return grid
