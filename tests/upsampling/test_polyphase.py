"""One strided kernel is stride x stride small kernels."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.overlap import phase_overlap
from fundus_unet.upsampling.polyphase import polyphase_split
from tensors import noise

thorough = settings(deadline=None, max_examples=150, derandomize=True)
pairs = st.tuples(st.integers(1, 4), st.integers(1, 4))
paddings = st.tuples(st.integers(0, 5), st.integers(0, 5))


@thorough
@given(size=st.tuples(st.integers(1, 7), st.integers(1, 7)), stride=pairs, padding=paddings)
def test_every_tap_is_in_one_phase(size, stride, padding):
    kernel = torch.arange(size[0] * size[1]).view(1, *size)
    split = polyphase_split(kernel, stride, padding)
    taps = [[part.shape[-2] * part.shape[-1] for part in row] for row in split]
    assert taps == phase_overlap(size, stride, padding).tolist()
    assert sorted(tap for row in split for part in row for tap in part.flatten().tolist()) == kernel.flatten().tolist()


@thorough
@given(size=pairs, kernel_size=st.tuples(st.integers(1, 6), st.integers(1, 6)), stride=pairs, padding=paddings)
def test_each_phase_of_the_output_is_a_convolution_with_its_part(size, kernel_size, stride, padding):
    x, kernel = noise(1, 2, *size, dtype=torch.float64), noise(2, 2, *kernel_size, dtype=torch.float64)
    full = F.conv_transpose2d(x, kernel, stride=stride)
    expected = full[..., padding[0] :, padding[1] :]  # cropped on the side that decides the phase
    for a, row in enumerate(polyphase_split(kernel, stride, padding)):
        for b, part in enumerate(row):
            phase = expected[..., a :: stride[0], b :: stride[1]]
            if part.numel():
                skipped = (padding[0] + a) // stride[0], (padding[1] + b) // stride[1]
                small = F.conv_transpose2d(x, part)[..., skipped[0] :, skipped[1] :]
                height, width = map(min, small.shape[-2:], phase.shape[-2:])
                torch.testing.assert_close(phase[..., :height, :width], small[..., :height, :width])
                assert phase[..., height:, :].count_nonzero() == phase[..., width:].count_nonzero() == 0
            else:
                assert phase.count_nonzero() == 0


def test_phases_of_kernel_four_and_three():
    four = torch.arange(16).view(4, 4)
    assert polyphase_split(four, 2, 1)[0][0].tolist() == [[5, 7], [13, 15]]
    assert polyphase_split(four, 2, 1)[1][0].tolist() == [[1, 3], [9, 11]]
    three = torch.arange(9).view(3, 3)
    parts = polyphase_split(three, 2, 1)
    assert [[part.tolist() for part in row] for row in parts] == [[[[4]], [[3, 5]]], [[[1], [7]], [[0, 2], [6, 8]]]]


def test_kernel_four_is_four_interleaved_convolutions():
    x, kernel = noise(1, 2, 4, 5, dtype=torch.float64), noise(2, 3, 4, 4, dtype=torch.float64)
    phases = [
        [F.conv_transpose2d(x, part)[..., a : a + 4, b : b + 5] for b, part in enumerate(row)]
        for a, row in enumerate(polyphase_split(kernel, 2, 1))
    ]
    whole = F.conv_transpose2d(x, kernel, stride=2, padding=1)
    for a, row in enumerate(phases):
        for b, phase in enumerate(row):
            torch.testing.assert_close(phase, whole[..., a::2, b::2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: polyphase_split(torch.zeros(3, 3), 0), "stride=0"),
        (lambda: polyphase_split(torch.zeros(3, 3), 2, (0, -1)), "padding=-1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
