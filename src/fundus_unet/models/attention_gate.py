"""Attention gates: the decoder weights what the encoder hands over, pixel by pixel."""

import torch
from torch import Tensor, nn

from fundus_unet.models.skip import SkipConnection


class AttentionGate(SkipConnection):
    """Additive attention: `skip * sigmoid(psi(relu(of_skip(skip) + of_gate(upsampled))))`, by 1x1 convolutions.

    The gate is the upsampled map, which has the size of the skip connection, so nothing is resampled inside. The
    paper gates with the map before its upsampling.

    Shapes:
        (B, skip_channels, H, W), (B, gate_channels, H, W) -> (B, skip_channels, H, W).

    Source:
        Oktay et al., arXiv 1804.03999, equations 1 and 2, with half as many channels inside as the skip has.
    """

    def __init__(self, skip_channels: int, gate_channels: int) -> None:
        super().__init__()
        inner = max(1, skip_channels // 2)
        self.of_skip = nn.Conv2d(skip_channels, inner, 1, bias=False)
        self.of_gate = nn.Conv2d(gate_channels, inner, 1)
        self.psi = nn.Conv2d(inner, 1, 1)
        nn.init.kaiming_normal_(self.of_skip.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.of_gate.weight, nonlinearity="relu")
        nn.init.kaiming_normal_(self.psi.weight, nonlinearity="sigmoid")

    def forward(self, skip: Tensor, upsampled: Tensor) -> Tensor:
        return skip * self.weights(skip, upsampled)

    def weights(self, skip: Tensor, upsampled: Tensor) -> Tensor:
        """The attention, from 0 to 1: (B, 1, H, W)."""
        return torch.sigmoid(self.psi(torch.relu(self.of_skip(skip) + self.of_gate(upsampled))))
