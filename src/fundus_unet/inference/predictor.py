"""Vessel probability of a whole image."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fundus_unet.data.images.preprocessing import WorkingImage, probability_at, spread_at
from fundus_unet.inference.folding import folded
from fundus_unet.inference.symmetries import SYMMETRIES, average_and_spread, average_over, check_symmetries
from fundus_unet.inference.tiling import Tiling, predict_tiled


class Maps(NamedTuple):
    """What is found in one image, on its own pixel grid; zero outside the field of view.

    Shapes:
        float32 (H, W).

    Units:
        `uncertainty` is the standard deviation of the probability over what was averaged, 0 to 0.5; None where it was
        not asked for.
    """

    probability: np.ndarray
    uncertainty: np.ndarray | None = None


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

    @property
    def maps_per_image(self) -> int:
        """How many are averaged."""
        return len(SYMMETRIES[self.symmetries])

    def probability(self, working: WorkingImage, field_of_view: np.ndarray) -> np.ndarray:
        """Vessel probability on the original pixel grid, zero outside the field of view.

        Shapes:
            an image at working resolution and its field of view, bool (H, W) -> float32 (H, W).
        """
        return self.maps([working], [field_of_view])[0].probability

    @torch.inference_mode()
    def maps(
        self, working: Sequence[WorkingImage], fields_of_view: Sequence[np.ndarray], uncertainty: bool = False
    ) -> list[Maps]:
        """As `probability`, for several images of one size at working resolution, in one pass.

        Args:
            uncertainty: Whether to find out how far the copies of test-time augmentation differ.
        """
        if self.tiling and max(working[0].field_of_view.shape) > self.tiling.tile:
            found = torch.stack([self._tiled(image, self.tiling, uncertainty) for image in working])
        else:
            found = self._channels(torch.stack([image.tensor() for image in working]), uncertainty)
        return [
            Maps(
                _on_grid(probability_at, channels[:1], region)[0, 0].cpu().numpy(),
                _on_grid(spread_at, channels[1:], region)[0, 0].cpu().numpy() if uncertainty else None,
            )
            for channels, region in zip(found, fields_of_view, strict=True)
        ]

    def _tiled(self, working: WorkingImage, tiling: Tiling, uncertainty: bool) -> Tensor:
        def tile(rows: slice, columns: slice) -> Tensor:
            return self._channels(working.tensor(rows, columns)[None], uncertainty)[0]

        return predict_tiled(tile, working.field_of_view, tiling, channels=1 + uncertainty)

    def _channels(self, image: Tensor, uncertainty: bool) -> Tensor:
        """Logits, and where it is asked for the spread of the copies' probabilities."""
        image = image.to(self.device, memory_format=torch.channels_last)
        average = average_and_spread if uncertainty else average_over
        with torch.autocast(self.device.type, self.autocast) if self.autocast else nullcontext():
            return average(self.symmetries, self.network, image, self.size_multiple)


def _on_grid(
    place: Callable[[Tensor, tuple[int, int], Tensor], Tensor], channel: Tensor, field_of_view: np.ndarray
) -> Tensor:
    region = torch.from_numpy(field_of_view)[None, None].to(channel.device)
    return place(channel[None], (region.shape[-2], region.shape[-1]), region)
