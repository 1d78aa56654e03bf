"""Measures of an upsampler alone: overlap unevenness and polyphase gain imbalance."""

import copy

import torch
from torch import Tensor

from fundus_unet.comparison.checkerboard.measured_values import MeasuredValue
from fundus_unet.upsampling.measuring import is_linear, nearest_to_double, overlap_of, phase_values
from fundus_unet.upsampling.upsampler import Upsampler

PROBE = (8, 8)
"""Of the constant input: its middle is out of reach of the border for every upsampler here."""
CHANNELS_AT_ONCE = 32
SMALLEST_RMS = 1e-9
"""Of a pair's gains relative to the largest: pairs below are not connected (groups), or their gains cancel."""


def overlap_unevenness(upsampler: Upsampler) -> MeasuredValue:
    """(max - min) / mean over the four phases of the response to all ones with every weight one, away from the border.

    It depends on the sizes of kernel, stride and padding alone: kernel 3, stride 2 sums 1, 2, 2, 4 taps, so 3 / 2.25.
    The null is zero, exactly. An operation that is not linear has no taps to count.

    Source:
        Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
    """
    upsampler = copy.deepcopy(upsampler).cpu()
    output_size = nearest_to_double(upsampler, PROBE)
    if not is_linear(upsampler, PROBE, output_size):
        return MeasuredValue(reason="not linear in its input, so it has no fixed taps")
    phases = phase_values(overlap_of(upsampler, PROBE, output_size))
    value = float((phases.max() - phases.min()) / phases.mean())
    return MeasuredValue(value=value, null=0.0, excess=value)


def gain_imbalance(upsampler: Upsampler) -> MeasuredValue:
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
        return MeasuredValue(reason="no response to a constant")
    value = float((gains.std(-1, correction=0)[connected] / rms[connected]).mean())
    return MeasuredValue(value=value, null=0.0, excess=value)


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
