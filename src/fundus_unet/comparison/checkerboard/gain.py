"""Polyphase gain imbalance: does a constant input give a constant output?"""

import copy

import torch
from torch import Tensor

from fundus_unet.comparison.checkerboard.overlap import PROBE
from fundus_unet.comparison.checkerboard.readings import Reading
from fundus_unet.upsampling.measuring import nearest_to_double
from fundus_unet.upsampling.upsampler import Upsampler

CHANNELS_AT_ONCE = 32
SMALLEST_RMS = 1e-9
"""Of a pair's gains relative to the largest: pairs below are not connected (groups), or their gains cancel."""


def gain_imbalance(upsampler: Upsampler) -> Reading:
    """Standard deviation over their root mean square of the four phase gains, averaged over pairs of channels.

    Gain g_ab of an input and an output channel is the response of the output pixels (a, b) modulo 2 to a constant one
    in that input channel alone, less the response to zero, away from the border: for a transposed convolution the sum
    of the taps of that phase. Zero if and only if a constant gives a constant; one if the gains cancel. Random
    independent gains give 8 / (3 pi) = 0.849 on average, whatever their number of taps. Of an operation that is not
    linear it is the response to this constant only.

    Convention:
        standard deviation of the four gains themselves (n, not n - 1). The null is zero, exactly.

    Source:
        the condition is that of Sugawara, Shiota, Kiya, arXiv 1806.02658.
    """
    gains = phase_gains(upsampler)
    rms = gains.square().mean(-1).sqrt()
    connected = rms > SMALLEST_RMS * rms.max()
    if not connected.any():
        return Reading(reason="no response to a constant")
    value = float((gains.std(-1, correction=0)[connected] / rms[connected]).mean())
    return Reading(value=value, null=0.0, excess=value)


@torch.no_grad()
def phase_gains(upsampler: Upsampler) -> Tensor:
    """Responses to a constant one in each input channel.

    Shapes:
        (in_channels, out_channels, 4), phases (0, 0), (0, 1), (1, 0), (1, 1), float64.
    """
    exact = copy.deepcopy(upsampler).double().cpu()
    output_size = nearest_to_double(copy.deepcopy(upsampler).float().cpu(), PROBE)
    zero = exact(torch.zeros(1, exact.in_channels, *PROBE, dtype=torch.float64), output_size)
    top, left = (side // 4 * 2 for side in output_size)
    parts = []
    for channels in torch.eye(exact.in_channels, dtype=torch.float64).split(CHANNELS_AT_ONCE):
        response = exact(channels[:, :, None, None].expand(-1, -1, *PROBE), output_size) - zero
        parts.append(response[..., top : top + 2, left : left + 2].flatten(-2))
    return torch.cat(parts)
