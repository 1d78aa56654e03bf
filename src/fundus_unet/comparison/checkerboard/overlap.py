"""Overlap unevenness: do the output pixels of an upsampling sum the same number of products?"""

from fundus_unet.comparison.checkerboard.readings import Reading
from fundus_unet.upsampling.measuring import is_linear, nearest_to_double, overlap_of, phase_values
from fundus_unet.upsampling.upsampler import Upsampler

PROBE = (8, 8)
"""Of the constant input: its middle is out of reach of the border for every upsampler here."""


def overlap_unevenness(upsampler: Upsampler) -> Reading:
    """(max - min) / mean over the four phases of the response to all ones with every weight one, away from the border.

    It depends on the sizes of kernel, stride and padding alone: kernel 3, stride 2 sums 1, 2, 2, 4 taps, so 3 / 2.25.
    The null is zero, exactly. An operation that is not linear has no taps to count.

    Source:
        Odena, Dumoulin, Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016.
    """
    output_size = nearest_to_double(upsampler, PROBE)
    if not is_linear(upsampler, PROBE, output_size):
        return Reading(reason="not linear in its input, so it has no fixed taps")
    phases = phase_values(overlap_of(upsampler, PROBE, output_size))
    value = float((phases.max() - phases.min()) / phases.mean())
    return Reading(value=value, null=0.0, excess=value)
