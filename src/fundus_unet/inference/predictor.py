"""Vessel probability of a whole photograph."""

from contextlib import nullcontext

import numpy as np
import torch
from torch import nn

from fundus_unet.data.preprocess import WorkingImage, probability_at


class Predictor:
    """A trained network, ready to be given photographs.

    Args: `autocast` is the number format of matrix products, or None for float32 throughout.
    """

    def __init__(self, network: nn.Module, device: torch.device, autocast: torch.dtype | None) -> None:
        self.network = network.to(device).to(memory_format=torch.channels_last).eval()
        self.device = device
        self.autocast = autocast

    @torch.inference_mode()
    def probability(self, working: WorkingImage, field_of_view: np.ndarray) -> np.ndarray:
        """Vessel probability on the original pixel grid, zero outside the field of view.

        Shapes: a photograph at working resolution and its field of view, bool (H, W) -> float32 (H, W).
        """
        image = working.tensor()[None].to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.autocast) if self.autocast else nullcontext():
            logits = self.network(image)
        region = torch.from_numpy(field_of_view)[None, None].to(self.device)
        return probability_at(logits, field_of_view.shape, region)[0, 0].cpu().numpy()
