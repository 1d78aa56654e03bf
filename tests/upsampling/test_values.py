"""Outputs worked out by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.upsampling.interpolate_conv import MODES, InterpolateConvUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import Upsampler


def with_kernel(upsampler: Upsampler, kernel: Tensor, bias: float = 0.0) -> Upsampler:
    with torch.no_grad():
        upsampler.conv.weight.copy_(kernel)
        upsampler.conv.bias.fill_(bias)
    return upsampler


def image(*rows: list[float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)[None, None]


@pytest.mark.parametrize(
    ("kernel_size", "length", "taps"),
    [
        (3, 7, [1, 2, 1, 2, 1, 2, 1]),
        (3, 8, [1, 2, 1, 2, 1, 2, 1, 1]),
        (4, 8, [1, 2, 2, 2, 2, 2, 2, 1]),
        (4, 9, [1, 2, 2, 2, 2, 2, 2, 1, 1]),
    ],
)
def test_overlap_counts(kernel_size, length, taps):
    upsampler = with_kernel(TransposedConvUpsampler(1, 1, kernel_size=kernel_size, padding=1), torch.ones(1))
    counts = upsampler(torch.ones(1, 1, 4, 4), (length, length))[0, 0]
    assert torch.equal(counts, torch.outer(torch.tensor(taps), torch.tensor(taps)).float())
    phases = counts[2:4, 2:4].flatten().tolist()
    assert phases == ([1, 2, 2, 4] if kernel_size == 3 else [4, 4, 4, 4])


@pytest.mark.parametrize(
    ("output_size", "expected"),
    [
        ((1, 3), [[5, 46, 50]]),
        ((1, 4), [[5, 46, 50, 60]]),
        ((2, 3), [[5, 46, 50], [8, 79, 80]]),
    ],
)
def test_kernel_three_pastes_kernels_and_crops(output_size, expected):
    kernel = torch.arange(1.0, 10).view(3, 3)
    upsampler = with_kernel(TransposedConvUpsampler(1, 1, kernel_size=3, padding=1), kernel, bias=0.5)
    assert torch.equal(upsampler(image([1, 10]), output_size), image(*expected) + 0.5)


@pytest.mark.parametrize(
    ("output_size", "expected"),
    [
        ((2, 4), [[6, 57, 68, 70], [10, 101, 112, 110]]),
        ((2, 5), [[6, 57, 68, 70, 80], [10, 101, 112, 110, 120]]),
    ],
)
def test_kernel_four_pastes_kernels_and_crops(output_size, expected):
    kernel = torch.arange(1.0, 17).view(4, 4)
    upsampler = with_kernel(TransposedConvUpsampler(1, 1, kernel_size=4, padding=1), kernel, bias=0.5)
    assert torch.equal(upsampler(image([1, 10]), output_size), image(*expected) + 0.5)


def test_channels_are_summed_by_their_own_kernels():
    upsampler = TransposedConvUpsampler(2, 3, kernel_size=2, padding=0, bias=False)
    with torch.no_grad():
        # Input channel i contributes 10 ** i times (output channel + 1).
        upsampler.conv.weight.copy_(torch.tensor([[1.0, 2, 3], [10, 20, 30]])[..., None, None])
    out = upsampler(torch.tensor([1.0, 2]).view(1, 2, 1, 1), (2, 2))
    assert torch.equal(out, torch.tensor([21.0, 42, 63]).view(1, 3, 1, 1).expand(1, 3, 2, 2))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("output_size", [(6, 8), (5, 9), (1, 11), (3, 4)])
def test_identity_kernel_leaves_the_interpolation(mode, output_size):
    upsampler = InterpolateConvUpsampler(2, 2, mode=mode)
    nn.init.dirac_(upsampler.conv.weight)
    x = torch.randn(1, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(upsampler(x, output_size), F.interpolate(x, size=output_size, mode=mode))


def test_pixel_centres():
    upsampler = InterpolateConvUpsampler(1, 1, mode="bilinear")
    nn.init.dirac_(upsampler.conv.weight)
    torch.testing.assert_close(upsampler(image([0, 1]), (2, 4)), image([0, 0.25, 0.75, 1], [0, 0.25, 0.75, 1]))


@pytest.mark.parametrize("mode", MODES)
def test_a_constant_stays_constant_up_to_the_rim(mode):
    upsampler = with_kernel(InterpolateConvUpsampler(1, 1, mode=mode), torch.full((3, 3), 1 / 9), bias=1.0)
    torch.testing.assert_close(upsampler(torch.full((1, 1, 3, 2), 7.0), (6, 5)), torch.full((1, 1, 6, 5), 8.0))
