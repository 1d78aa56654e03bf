"""Predict an image in tiles that overlap, so that memory does not grow with its size.

A tile's border lacks context: the network pads it. So each pair of neighbours overlaps by twice the reach of that
padding, whose share is cut off, and by a ramp between, over which one fades into the other. Tiles begin at multiples of
the network's pooling grid. Both together make the result that of the whole image, wherever the reach is not exceeded.

Some networks see farther than a tile, or it is not known how far. Their tiles overlap by half: what lies farther away
than a sixth of a tile or so changes their logits little.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from fundus_unet.core.errors import InputError

Span = tuple[int, int]


@dataclass(frozen=True)
class Tiling:
    """How an image is cut.

    Units:
        pixels at working resolution. `tile` is the side of a tile, `reach` how far from a tile's border its padding
        can be felt, `size_multiple` what the network pads sides to.

    Raises:
        InputError: For a tile too small to have a part that only it predicts.
    """

    tile: int
    reach: int
    size_multiple: int

    @classmethod
    def of(cls, tile: int, size_multiple: int, context: int | None) -> "Tiling":
        """For a network that sees `context` pixels far; None lets tiles overlap by half."""
        if context is None:
            context = max(size_multiple, (tile - 9 * size_multiple) // 4)
        return cls(tile, context, size_multiple)

    def __post_init__(self) -> None:
        least = 2 * self.overlap + self.size_multiple
        if not isinstance(self.tile, int) or self.tile < least:
            raise InputError(
                "the tiles are too small for what the network sees around a pixel",
                expected=f"tile >= {least} for this network",
                got=f"tile={self.tile}",
            )

    @property
    def ramp(self) -> int:
        return 4 * self.size_multiple

    @property
    def overlap(self) -> int:
        return 2 * self.reach + self.ramp

    def spans(self, length: int) -> list[Span]:
        """First and one past the last pixel of every tile along one side; one tile where it suffices."""
        step = (self.tile - self.overlap) // self.size_multiple * self.size_multiple
        count = 1 + max(0, -(-(length - self.tile) // step))
        return [(number * step, min(number * step + self.tile, length)) for number in range(count)]

    def weights(self, spans: list[Span]) -> list[Tensor]:
        """What each tile counts along one side, float32 (length of the tile,): every pixel's weights sum to 1."""
        weights = [torch.ones(stop - start) for start, stop in spans]
        for last, ((_, end), (start, _)) in enumerate(pairwise(spans)):
            overlap = end - start
            rising = torch.zeros(overlap)
            rising[self.reach : overlap - self.reach] = _smooth_step(overlap - 2 * self.reach)
            rising[overlap - self.reach :] = 1
            weights[last][-overlap:] = 1 - rising
            weights[last + 1][:overlap] = rising
        return weights


def predict_tiled(
    predict: Callable[[slice, slice], Tensor], field_of_view: np.ndarray, tiling: Tiling, channels: int = 1
) -> Tensor:
    """Logits of a whole image; tiles without field of view are left out and give 0.

    Args:
        predict: Gives the logits of the tile at (rows, columns), a tensor (channels, rows, columns); what it gives in
            other channels is faded in the same way.

    Shapes:
        field of view bool (h, w) -> float32 (channels, h, w) on the CPU.
    """
    height, width = field_of_view.shape
    row_spans, column_spans = tiling.spans(height), tiling.spans(width)
    row_weights, column_weights = tiling.weights(row_spans), tiling.weights(column_spans)
    logits = torch.zeros(channels, height, width)
    for (top, bottom), row_weight in zip(row_spans, row_weights, strict=True):
        for (left, right), column_weight in zip(column_spans, column_weights, strict=True):
            rows, columns = slice(top, bottom), slice(left, right)
            if field_of_view[rows, columns].any():
                tile = predict(rows, columns).float().cpu()
                logits[:, rows, columns] += tile * row_weight[:, None] * column_weight
    return logits


def _smooth_step(length: int) -> Tensor:
    """From 0 to 1 like half a cosine, without the ends."""
    position = (torch.arange(length) + 0.5) / length
    return (1 - torch.cos(torch.pi * position)) / 2
