"""Other probabilities in the same order: a network's logits moved and stretched, within its last convolution."""

from copy import deepcopy
from dataclasses import dataclass
from math import exp, log

import torch
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.models.encoder_decoder import EncoderDecoder


@dataclass(frozen=True)
class Recalibration:
    """A logit becomes slope * (logit - log-odds of centre), so the probability `centre` becomes 0.5.

    Units:
        `centre` in (0, 1); `slope` above 0: below 1 every probability comes nearer to 0.5.

    Source:
        Platt, Advances in Large Margin Classifiers, 1999, with its second parameter given as a probability.
    """

    centre: float = 0.5
    slope: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.centre < 1 or not 0 < self.slope < float("inf"):
            raise InputError(
                "these values calibrate no probabilities",
                expected="calibration.centre between 0 and 1, calibration.slope above 0",
                got=f"{self.centre}, {self.slope}",
            )

    def probability(self, value: float) -> float:
        """What a probability becomes."""
        if self == Recalibration() or not 0 < value < 1:
            return value
        return 1 / (1 + exp(-self.slope * (log(value / (1 - value)) - self._offset)))

    def network(self, network: nn.Module) -> nn.Module:
        """A copy that gives the new logits; the network itself where nothing changes.

        Raises:
            InputError: For a network of another package, whose last convolution is not known.
        """
        if self == Recalibration():
            return network
        if not isinstance(network, EncoderDecoder):
            raise InputError(
                "the probabilities of this network cannot be changed in its file",
                expected="a network of this project",
                got=type(network).__name__,
                fix="leave calibration out",
            )
        changed = deepcopy(network)
        head = changed.head
        assert head.bias is not None
        with torch.no_grad():
            head.weight.mul_(self.slope)
            head.bias.sub_(self._offset).mul_(self.slope)
        return changed

    @property
    def _offset(self) -> float:
        return log(self.centre / (1 - self.centre))
