"""Sizes, against the numbers of the article and against PyTorch itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.arithmetic import output_padding_for, reachable_output_sizes, transposed_output_size


def length_torch_gives(
    size: int, kernel_size: int, stride: int, padding: int, output_padding: int, dilation: int
) -> int | None:
    """Output length of `ConvTranspose2d`, None where PyTorch refuses."""
    conv = nn.ConvTranspose2d(1, 1, kernel_size, stride, padding, output_padding, dilation=dilation)
    try:
        height, width = conv(torch.zeros(1, 1, size, size)).shape[-2:]
    except RuntimeError:
        return None
    assert height == width
    return height


def test_six_becomes_eleven_or_twelve():
    assert transposed_output_size(6, 3, stride=2, padding=1) == 11
    assert transposed_output_size(6, 3, stride=2, padding=1, output_padding=1) == 12
    assert output_padding_for(11, 6, 3, stride=2, padding=1) == 0
    assert output_padding_for(12, 6, 3, stride=2, padding=1) == 1


@pytest.mark.parametrize("size", [1, 2, 6, 31])
def test_kernel_four_doubles(size):
    assert transposed_output_size(size, 4, stride=2, padding=1) == 2 * size


@pytest.mark.parametrize("size", [1, 2, 6, 31])
@pytest.mark.parametrize(("kernel_size", "padding", "offset"), [(2, 0, 0), (4, 1, 0), (3, 1, -1)])
def test_reachable_at_stride_two(size, kernel_size, padding, offset):
    reachable = reachable_output_sizes(size, kernel_size, stride=2, padding=padding)
    assert list(reachable) == [2 * size + offset, 2 * size + offset + 1]


def test_axes_are_independent():
    conv = nn.ConvTranspose2d(16, 33, (3, 5), stride=(2, 1), padding=(4, 2), device="meta")
    expected = (transposed_output_size(50, 3, 2, 4), transposed_output_size(100, 5, 1, 2))
    assert conv(torch.empty(1, 16, 50, 100, device="meta")).shape[-2:] == expected == (93, 100)


def test_the_error_names_the_reachable_lengths():
    with pytest.raises(InputError, match=r"length 6 into 13") as caught:
        output_padding_for(13, 6, 3, stride=2, padding=1)
    assert "[11, 12]" in str(caught.value)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    size=st.integers(1, 7),
    kernel_size=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.integers(0, 5),
    dilation=st.integers(1, 3),
)
def test_agrees_with_what_pytorch_accepts(size, kernel_size, stride, padding, dilation):
    accepted = {}
    for output_padding in range(max(stride, dilation) + 2):
        length = length_torch_gives(size, kernel_size, stride, padding, output_padding, dilation)
        if length:  # PyTorch also gives tensors of length 0, which no network can use
            accepted[length] = output_padding
    assert accepted.keys() == set(reachable_output_sizes(size, kernel_size, stride, padding, dilation))
    for target in range(max(accepted, default=1) + 3):
        if target in accepted:
            assert output_padding_for(target, size, kernel_size, stride, padding, dilation) == accepted[target]
        else:
            with pytest.raises(InputError):
                output_padding_for(target, size, kernel_size, stride, padding, dilation)
