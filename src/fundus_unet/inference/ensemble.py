"""Several trained networks as one: the mean of their maps, and how far they differ."""

from collections.abc import Sequence

import numpy as np
import torch

from fundus_unet.data.images.preprocessing import WorkingImage
from fundus_unet.inference.predictor import Maps, Predictor
from fundus_unet.inference.running_spread import RunningSpread


class Ensemble:
    """Takes the place of one `Predictor`. Its members are given the same images at the same working resolution.

    The probability is the mean of the members' probabilities. The uncertainty is the standard deviation of the
    probability over the members; where each averages copies of test-time augmentation, over all members' copies: the
    root of the mean variance within members and the variance between them.

    Memory: maps of one member, and two more, however many there are.
    """

    def __init__(self, members: Sequence[Predictor]) -> None:
        self.members = tuple(members)
        self.device = members[0].device

    @property
    def maps_per_image(self) -> int:
        """How many are averaged."""
        return sum(member.maps_per_image for member in self.members)

    @torch.inference_mode()
    def maps(
        self, working: Sequence[WorkingImage], fields_of_view: Sequence[np.ndarray], uncertainty: bool = False
    ) -> list[Maps]:
        """As of one `Predictor`."""
        between = [RunningSpread() for _ in working]
        within = [RunningSpread() for _ in working]
        for member in self.members:
            several = uncertainty and member.maps_per_image > 1
            for index, found in enumerate(member.maps(working, fields_of_view, several)):
                between[index].add(torch.from_numpy(found.probability))
                if found.uncertainty is not None:
                    within[index].add(torch.from_numpy(found.uncertainty).square_())
        return [
            Maps(one.mean.numpy(), _deviation(one, inside).numpy() if uncertainty else None)
            for one, inside in zip(between, within, strict=True)
        ]


def _deviation(between: RunningSpread, within: RunningSpread) -> torch.Tensor:
    variance = between.variance()
    return (variance + within.mean if within.count else variance).sqrt_()
