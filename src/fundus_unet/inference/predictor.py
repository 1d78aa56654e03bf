"""Vessel probability of a whole image."""

from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from fundus_unet.data.images.preprocessing import WorkingImage, probability_at
from fundus_unet.inference.folding import folded
from fundus_unet.inference.symmetries import average_over, check_symmetries
from fundus_unet.inference.tiling import Tiling, predict_tiled


class Predictor:
    """A trained network, ready to be given images.

    It works with a folded copy (`folding.folded`), so that training can go on with the network.

    Args:
        autocast: The dtype of matrix products, or None for float32 throughout.
        tiling: Cuts images that do not fit one tile; None predicts every image whole.
        symmetries: Names the copies that are averaged. They are made of the image padded to the network's
            `size_multiple`, so that its grid stays in its place; a module without one takes any size.
    """

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        autocast: torch.dtype | None,
        *,
        tiling: Tiling | None = None,
        symmetries: str = "none",
    ) -> None:
        self.network = folded(network).to(device).to(memory_format=torch.channels_last)
        self.device = device
        self.autocast = autocast
        self.tiling = tiling
        self.symmetries = check_symmetries(symmetries)
        self.size_multiple = getattr(network, "size_multiple", 1)

    def probability(self, working: WorkingImage, field_of_view: np.ndarray) -> np.ndarray:
        """Vessel probability on the original pixel grid, zero outside the field of view.

        Shapes:
            an image at working resolution and its field of view, bool (H, W) -> float32 (H, W).
        """
        return self.probabilities([working], [field_of_view])[0]

    @torch.inference_mode()
    def probabilities(self, working: Sequence[WorkingImage], fields_of_view: Sequence[np.ndarray]) -> list[np.ndarray]:
        """As `probability`, for several images of one size at working resolution, in one pass."""
        if self.tiling and max(working[0].field_of_view.shape) > self.tiling.tile:
            logits = torch.stack([self._tiled(image, self.tiling) for image in working])[:, None]
        else:
            logits = self._logits(torch.stack([image.tensor() for image in working]))
        return [
            probability_at(one[None], region.shape, torch.from_numpy(region)[None, None].to(one.device))[0, 0]
            .cpu()
            .numpy()
            for one, region in zip(logits, fields_of_view, strict=True)
        ]

    def _tiled(self, working: WorkingImage, tiling: Tiling) -> Tensor:
        def tile(rows: slice, columns: slice) -> Tensor:
            return self._logits(working.tensor(rows, columns)[None])[0, 0]

        return predict_tiled(tile, working.field_of_view, tiling)

    def _logits(self, image: Tensor) -> Tensor:
        image = image.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.autocast) if self.autocast else nullcontext():
            return average_over(self.symmetries, self.network, image, self.size_multiple)
