"""ReLU for bfloat16 on a CPU, where torch's own takes ten times as long as the memory needs."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class IntegerReLU(nn.Module):
    """`max(x, 0)` in place; bfloat16 on a CPU as integers.

    Read as 16-bit integers, negative floats are negative and others are not, so the larger of the bits and 0 is the
    ReLU's result. A NaN whose sign bit is set becomes 0; where weights and images are finite there is none.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.dtype != torch.bfloat16 or x.device.type != "cpu":
            return F.relu_(x)
        return x.view(torch.int16).clamp_(min=0).view(torch.bfloat16)
