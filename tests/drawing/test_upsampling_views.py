"""What the figures of single operations say is what the operations do."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fundus_unet.drawing.cells import PHASES
from fundus_unet.drawing.interpolation_view import interpolation_weights, weight_text
from fundus_unet.drawing.sampling_view import LARGEST, sampled_places
from fundus_unet.drawing.shuffle_view import phase_colours
from fundus_unet.upsampling.dysample import DySampleUpsampler


def test_bilinear_doubling_mixes_three_quarters_and_a_quarter_along_each_axis() -> None:
    weights = interpolation_weights((4, 4), (8, 8), "bilinear")
    stencil = weights[3, 4]
    assert sorted(stencil[stencil > 0].tolist()) == pytest.approx([1 / 16, 3 / 16, 3 / 16, 9 / 16])
    assert stencil[1, 2] == pytest.approx(9 / 16)  # the input in which the output's centre lies
    assert stencil.sum(1).tolist() == pytest.approx([0, 3 / 4, 1 / 4, 0])


@pytest.mark.parametrize(
    ("weight", "text"), [(9 / 16, "9/16"), (1.0, "1"), (-9 / 64, "−9/64"), (0.8789, ".88"), (-0.1055, "−.11")]
)
def test_weights_are_fractions_where_they_are_simple(weight: float, text: str) -> None:
    assert weight_text(weight) == text


def test_colours_of_a_shuffle_are_the_channels_that_land_there() -> None:
    channels = torch.arange(4.0).view(1, 4, 1, 1).expand(1, 4, 2, 3)
    landed = F.pixel_shuffle(channels, 2)[0, 0].int().tolist()
    assert phase_colours(4, 6).tolist() == [[PHASES[channel] for channel in row] for row in landed]


@pytest.mark.parametrize("channels", [1, 3])
def test_sampling_starts_at_the_outputs_own_centres_and_moves_as_far_as_is_drawn(channels: int) -> None:
    torch.manual_seed(0)
    start, moved = sampled_places(DySampleUpsampler(channels, 2), (3, 5))
    assert start.shape == (6, 10, 2)
    np.testing.assert_allclose(start[..., 0], np.broadcast_to(np.arange(10) / 2 - 0.25, (6, 10)), atol=0.01)
    np.testing.assert_allclose(start[..., 1].T, np.broadcast_to(np.arange(6) / 2 - 0.25, (10, 6)), atol=0.01)
    assert np.abs(moved - start).max() == pytest.approx(LARGEST, abs=0.01)
