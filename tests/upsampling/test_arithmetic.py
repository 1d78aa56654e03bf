"""Sizes, against the numbers of the article and against PyTorch itself."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.arithmetic import (
    conv_output_size,
    effective_zero_border,
    input_sizes_for,
    output_padding_for,
    reachable_output_sizes,
    transposed_formula,
    transposed_output_size,
    valid_output_paddings,
)

thorough = settings(deadline=None, max_examples=200, derandomize=True)
axis_options = {
    "kernel_size": st.integers(1, 5),
    "stride": st.integers(1, 4),
    "padding": st.integers(0, 5),
    "dilation": st.integers(1, 4),
}


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


@thorough
@given(stride=st.integers(1, 4), dilation=st.integers(1, 4), output_padding=st.integers(0, 5))
def test_pytorch_accepts_output_padding_below_stride_or_dilation(stride, dilation, output_padding):
    """The article allows 0 .. stride - 1 only."""
    accepted = length_torch_gives(3, 3, stride, 0, output_padding, dilation) is not None
    assert accepted == (output_padding in valid_output_paddings(stride, dilation))
    if output_padding < stride:
        assert accepted


def test_output_size_of_pytorch_stops_at_the_stride():
    """`output_size=` uses the article's rule, `output_padding=` the wider one."""
    x = torch.zeros(1, 1, 3, 3)
    conv = nn.ConvTranspose2d(1, 1, 3, stride=2, dilation=3)
    sizes = list(reachable_output_sizes(3, 3, stride=2, dilation=3))
    assert sizes == [11, 12, 13]
    assert [conv(x, output_size=[size, size]).shape[-1] for size in sizes[:2]] == [11, 12]
    with pytest.raises(ValueError, match="requested an output size"):
        conv(x, output_size=[13, 13])
    assert length_torch_gives(3, 3, 2, 0, output_padding_for(13, 3, 3, 2, 0, 3), 3) == 13


@thorough
@given(size=st.integers(1, 12), **axis_options)
def test_a_convolution_has_the_size_that_pytorch_gives(size, kernel_size, stride, padding, dilation):
    conv = nn.Conv2d(1, 1, kernel_size, stride, padding, dilation)
    if size + 2 * padding < dilation * (kernel_size - 1) + 1:
        with pytest.raises(InputError, match=r"floor\("):
            conv_output_size(size, kernel_size, stride, padding, dilation)
    else:
        assert conv(torch.zeros(1, 1, size, size)).shape[-1] == conv_output_size(
            size, kernel_size, stride, padding, dilation
        )


@thorough
@given(target=st.integers(1, 20), **axis_options)
def test_inputs_that_reach_a_target(target, kernel_size, stride, padding, dilation):
    options = (kernel_size, stride, padding, dilation)
    found = [size for size in range(1, 40) if target in reachable_output_sizes(size, *options)]
    assert list(input_sizes_for(target, *options)) == found
    if dilation <= stride:
        assert len(found) <= 1
    if target + 2 * padding > dilation * (kernel_size - 1):
        assert found[-1] == conv_output_size(target, *options)
    else:
        assert found == [] or dilation > stride


@thorough
@given(size=st.integers(1, 12), output_padding=st.integers(0, 3), **axis_options)
def test_the_zero_inserted_grid_has_room_for_every_output(size, output_padding, kernel_size, stride, padding, dilation):
    if output_padding >= max(stride, dilation):
        return
    border = effective_zero_border(kernel_size, padding, dilation)
    grid = (size - 1) * stride + 1 + 2 * border + output_padding
    formula = transposed_formula(size, kernel_size, stride, padding, output_padding, dilation)
    length = grid - dilation * (kernel_size - 1)
    assert eval(formula) == length
    if length >= 1:
        assert transposed_output_size(size, kernel_size, stride, padding, output_padding, dilation) == length


class TestEncoderAndDecoder:
    """The article's symmetric walk-through, with sides that are not multiples of anything."""

    DOWN = nn.Conv2d(1, 1, 3, stride=2, padding=1)
    UP = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)
    IMAGE = torch.zeros(1, 1, 37, 44)

    def test_twelve_to_six_and_back(self):
        x = torch.zeros(1, 1, 12, 12)
        small = self.DOWN(x)
        assert small.shape[-1] == conv_output_size(12, 3, 2, 1) == 6
        assert self.UP(small).shape[-1] == 11
        assert self.UP(small, output_size=x.shape).shape[-1] == 12
        assert list(input_sizes_for(12, 3, 2, 1)) == list(input_sizes_for(11, 3, 2, 1)) == [6]

    def test_with_output_size_every_level_returns_to_its_size(self):
        sizes, x = [], self.IMAGE
        for _ in range(3):
            sizes.append(x.shape[-2:])
            x = self.DOWN(x)
        assert x.shape[-2:] == (5, 6)
        for size in reversed(sizes):
            paddings = [output_padding_for(size[axis], x.shape[2 + axis], 3, 2, 1) for axis in (0, 1)]
            by_hand = nn.functional.conv_transpose2d(x, self.UP.weight, self.UP.bias, 2, 1, paddings)
            x = self.UP(x, output_size=size)
            assert x.shape[-2:] == size
            assert torch.equal(x, by_hand)

    def test_without_it_the_image_shrinks(self):
        x = self.DOWN(self.DOWN(self.DOWN(self.IMAGE)))
        sizes = []
        for _ in range(3):
            x = self.UP(x)
            sizes.append(tuple(x.shape[-2:]))
        assert sizes == [(9, 11), (17, 21), (33, 41)]


@pytest.mark.parametrize(
    "function", [transposed_output_size, reachable_output_sizes, conv_output_size, input_sizes_for]
)
@pytest.mark.parametrize(
    ("name", "value"), [("kernel_size", 0), ("stride", 0), ("stride", -1), ("padding", -1), ("dilation", 0)]
)
def test_options_that_make_no_sense(function, name, value):
    with pytest.raises(InputError, match=f"{name}={value}"):
        function(6, **{"kernel_size": 3, name: value})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: transposed_output_size(0, 3), "size=0"),
        (lambda: conv_output_size(-2, 3), "size=-2"),
        (
            lambda: transposed_output_size(6, 3, 2, 1, 2),
            r"max\(stride, dilation\) = max\(2, 1\) = 2.*\n.*output_padding=2",
        ),
        (lambda: transposed_output_size(6, 3, 2, 1, -1), "output_padding=-1"),
        (lambda: transposed_output_size(1, 2, 2, 1), r"\(1 - 1\) \* 2 - 2 \* 1 \+ 1 \* \(2 - 1\) \+ 0 \+ 1 = 0"),
        (lambda: conv_output_size(2, 5, 2, 1), r"floor\(\(2 \+ 2 \* 1 - 1 \* \(5 - 1\) - 1\) / 2\) \+ 1 = 0"),
        (lambda: output_padding_for(13, 6, 3, 2, 1), r"\(6 - 1\) \* 2 - 2 \* 1 \+ 1 \* \(3 - 1\) \+ 0 \+ 1 plus"),
        (lambda: effective_zero_border(0), "kernel_size=0"),
        (lambda: valid_output_paddings(0), "stride=0"),
    ],
)
def test_errors_fill_in_the_formula(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert isinstance(caught.value, InputError)
