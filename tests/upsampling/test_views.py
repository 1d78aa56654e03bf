"""The three views of a transposed convolution are PyTorch's, for every combination of its options."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.views import (
    by_matrix,
    by_pasting,
    by_zero_insertion,
    convolution_matrix,
    matrix_of,
    zero_bordered,
    zero_insert,
)
from tensors import noise
from upsampling.layers import ARTICLE, Layer, layers

VIEWS = [by_zero_insertion, by_pasting, by_matrix]
every_view = pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
thorough = settings(deadline=None, max_examples=150, derandomize=True)


@every_view
@thorough
@example(layer=ARTICLE)
@given(layer=layers())
def test_agrees_with_pytorch(view, layer: Layer):
    x, weight = layer.tensors()
    expected = layer.torch_output(x, weight)
    assert expected.shape[-2:] == layer.output_size
    torch.testing.assert_close(view(x, weight, **layer.options), expected, rtol=1e-12, atol=1e-12)


@thorough
@given(layer=layers())
def test_the_transposed_convolution_is_the_adjoint_of_the_convolution(layer: Layer):
    y, weight = layer.tensors()
    back = layer.torch_output(y, weight)
    x = noise(*back.shape, seed=1, dtype=torch.float64)
    there = F.conv2d(x, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups)
    there = there[..., : layer.size[0], : layer.size[1]]
    torch.testing.assert_close((there * y).sum(), (x * back).sum(), rtol=1e-12, atol=1e-11)


def test_the_transposed_convolution_is_the_gradient_of_the_convolution():
    conv = nn.Conv2d(2, 3, 3, stride=2, padding=1, bias=False).double()
    x = noise(1, 2, 12, 11, dtype=torch.float64).requires_grad_()
    y = noise(1, 3, 6, 6, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(conv(x), x, y)
    options = {"stride": 2, "padding": 1, "output_padding": (1, 0)}
    torch.testing.assert_close(F.conv_transpose2d(y, conv.weight, **options), gradient)


def test_one_row_by_hand():
    x, kernel = torch.tensor([[[[1.0, 10, 100]]]]), torch.tensor([[[[1.0, 2, 3]]]])
    assert zero_insert(x, (1, 2)).tolist() == [[[[1, 0, 10, 0, 100]]]]
    assert zero_bordered(x, (1, 3), (1, 2), (0, 1)).tolist() == [[[[0, 1, 0, 10, 0, 100, 0]]]]
    assert zero_bordered(x, (1, 3), (1, 2), (0, 1), (0, 1)).tolist() == [[[[0, 1, 0, 10, 0, 100, 0, 0]]]]
    for view in VIEWS:
        out = view(x, kernel, stride=(1, 2), padding=(0, 1), output_padding=(0, 1))
        assert out.tolist() == [[[[2, 13, 20, 130, 200, 300]]]]
    matrix = convolution_matrix(kernel, (1, 6), (1, 2), (0, 1))
    assert matrix.tolist() == [[2, 3, 0, 0, 0, 0], [0, 1, 2, 3, 0, 0], [0, 0, 0, 1, 2, 3]]


def test_the_matrix_is_the_convolution_written_out():
    """Entry by entry, against the definition of a convolution."""
    weight = noise(2, 3, 2, 3)
    stride, padding, dilation, (height, width) = (2, 1), (1, 2), (1, 2), (5, 4)
    matrix = convolution_matrix(weight, (height, width), stride, padding, 1, dilation).view(2, 3, 4, 3, height, width)
    for out, i, j, channel, y, x in torch.cartesian_prod(*map(torch.arange, matrix.shape)).tolist():
        tap_y, rest_y = divmod(y + padding[0] - i * stride[0], dilation[0])
        tap_x, rest_x = divmod(x + padding[1] - j * stride[1], dilation[1])
        inside = not rest_y and not rest_x and 0 <= tap_y < 2 and 0 <= tap_x < 3
        assert matrix[out, i, j, channel, y, x] == (weight[out, channel, tap_y, tap_x] if inside else 0)


def test_it_inverts_sizes_and_not_values():
    weight = noise(1, 1, 3, 3, dtype=torch.float64)
    x = noise(1, 1, 11, 11, seed=1, dtype=torch.float64)
    there_and_back = F.conv_transpose2d(F.conv2d(x, weight, stride=2, padding=1), weight, stride=2, padding=1)
    assert there_and_back.shape == x.shape
    assert (there_and_back - x).norm() > 0.5 * x.norm()


@pytest.mark.parametrize("kernel_size", [2, 3, 4, 5])
def test_an_input_value_spreads_over_the_whole_kernel(kernel_size):
    """The article says 2 x 2 at stride 2."""
    impulse = torch.zeros(1, 1, 5, 5)
    impulse[0, 0, 2, 2] = 1
    out = F.conv_transpose2d(impulse, torch.ones(1, 1, kernel_size, kernel_size), stride=2)
    assert out.count_nonzero() == kernel_size**2
    assert out.any(-1).sum() == out.any(-2).sum() == kernel_size


def test_depthwise_channels_do_not_mix():
    layer = Layer((3, 4), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), groups=3)
    x, weight = layer.tensors()
    expected = torch.cat([F.conv_transpose2d(x[:, c : c + 1], weight[c : c + 1], None, 2, 1) for c in range(3)], 1)
    for view in VIEWS:
        torch.testing.assert_close(view(x, weight, **layer.options), expected)


def test_a_measured_matrix():
    flip = matrix_of(lambda image: image.flip(-1), (1, 1, 3), torch.float32)
    assert flip.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


@every_view
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 0}, "stride=0"),
        ({"stride": 2, "padding": -1}, "padding=-1"),
        ({"stride": 2, "output_padding": 2}, r"max\(stride, dilation\) = max\(2, 1\) = 2"),
        ({"padding": 3}, r"\(3 - 1\) \* 1 - 2 \* 3 \+ 1 \* \(3 - 1\) \+ 0 \+ 1 = -1"),
        ({"dilation": 0}, "dilation=0"),
        ({"stride": (1, 2, 3)}, "two axes"),
    ],
)
def test_bad_options(view, options, message):
    with pytest.raises(InputError, match=message):
        view(torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3), **options)


@every_view
@pytest.mark.parametrize(("x", "weight"), [((1, 2, 3, 3), (1, 1, 3, 3)), ((2, 3, 3), (2, 1, 3, 3))])
def test_tensors_that_do_not_belong_together(view, x, weight):
    with pytest.raises(InputError, match="do not belong together"):
        view(torch.zeros(x), torch.zeros(weight))


def test_zero_insertion_refuses():
    with pytest.raises(InputError, match="stride=0"):
        zero_insert(torch.zeros(2, 2), (1, 0))
    with pytest.raises(InputError, match="size=0"):
        zero_insert(torch.zeros(0, 2), 2)
