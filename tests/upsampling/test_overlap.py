"""Taps per output, against an all-ones transposed convolution."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.overlap import overlap_map, phase_overlap, phase_tap_counts, tap_counts
from upsampling.layers import ARTICLE, Layer, axes, layers

thorough = settings(deadline=None, max_examples=200, derandomize=True)
small = st.integers(1, 8)


@thorough
@example(layer=ARTICLE)
@given(layer=layers())
def test_the_map_is_the_response_of_ones_to_ones(layer: Layer):
    geometry = (layer.stride, layer.padding, layer.output_padding, 1, layer.dilation)
    expected = F.conv_transpose2d(torch.ones(1, 1, *layer.size), torch.ones(1, 1, *layer.kernel_size), None, *geometry)
    counts = overlap_map(*(zip(layer.axis(0), layer.axis(1), strict=True)))
    assert torch.equal(counts, expected[0, 0].long())


@thorough
@given(axis=axes())
def test_the_counts_are_those_of_the_definition(axis):
    size, kernel_size, stride, padding, _, dilation = axis
    counts = tap_counts(*axis).tolist()
    for o, count in enumerate(counts):
        pairs = [(i, t) for i in range(size) for t in range(kernel_size) if i * stride + t * dilation - padding == o]
        assert count == len(pairs)


@thorough
@given(kernel_size=small, stride=st.integers(1, 5), padding=st.integers(0, 6), dilation=st.integers(1, 4))
def test_phases_are_the_interior_of_the_map(kernel_size, stride, padding, dilation):
    phases = phase_tap_counts(kernel_size, stride, padding, dilation)
    assert phases.sum() == kernel_size
    border = dilation * (kernel_size - 1) + padding  # no output further inside misses a tap
    size = 2 * border + 2 * stride + 1
    counts = tap_counts(size, kernel_size, stride, padding, 0, dilation)
    for o in range(border, len(counts) - border):
        assert counts[o] == phases[o % stride]


@thorough
@given(kernel_size=small, stride=st.integers(1, 5), padding=st.integers(0, 6), dilation=st.integers(1, 4))
def test_when_phases_are_even(kernel_size, stride, padding, dilation):
    even = phase_tap_counts(kernel_size, stride, padding, dilation).unique().numel() == 1
    if math.gcd(stride, dilation) == 1:
        assert even == (kernel_size % stride == 0)
    else:  # the taps never reach some phases
        assert not even


@pytest.mark.parametrize(
    ("kernel_size", "padding", "phases"),
    [(2, 0, [[1, 1], [1, 1]]), (3, 1, [[1, 2], [2, 4]]), (4, 1, [[4, 4], [4, 4]]), (3, 0, [[4, 2], [2, 1]])],
)
def test_kernels_of_stride_two(kernel_size, padding, phases):
    assert phase_overlap(kernel_size, 2, padding).tolist() == phases


def test_axes_differ():
    assert phase_overlap((3, 5), (2, 1), (4, 2)).tolist() == [[10], [5]]
    assert overlap_map((2, 1), (3, 2), (2, 1)).tolist() == [[1, 1], [1, 1], [2, 2], [1, 1], [1, 1]]


def test_six_becomes_eleven_or_twelve():
    assert tap_counts(6, 3, 2, 1).tolist() == [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]
    # the row that output_padding adds is an ordinary output whose second input would lie outside
    assert tap_counts(6, 3, 2, 1, 1).tolist() == [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tap_counts(0, 3), "size=0"),
        (lambda: tap_counts(1, 3, 1, 2), r"\(1 - 1\) \* 1 - 2 \* 2 \+ 1 \* \(3 - 1\) \+ 0 \+ 1 = -1"),
        (lambda: overlap_map((3, 3), 3, (2, 0)), "stride=0"),
        (lambda: overlap_map((3, 3, 3), 3), "two axes"),
        (lambda: phase_overlap(3, 0), "stride=0"),
        (lambda: phase_tap_counts(3, 2, -1), "padding=-1"),
        (lambda: phase_tap_counts(0, 2), "kernel_size=0"),
    ],
)
def test_bad_options(call, message):
    with pytest.raises(InputError, match=message):
        call()
