"""Outputs worked out by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fundus_unet.upsampling.bilinear_init import BilinearInitTransposedConvUpsampler
from fundus_unet.upsampling.blur import BlurredUpsampler, binomial_kernel
from fundus_unet.upsampling.conv_interpolate import ConvInterpolateUpsampler
from fundus_unet.upsampling.dysample import DySampleUpsampler
from fundus_unet.upsampling.equal_gain import EqualGainTransposedConvUpsampler, equalize_phase_gains, phase_masks
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.interpolation import MODES
from fundus_unet.upsampling.pixel_shuffle import PixelShuffleUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import Upsampler
from tensors import noise


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
    x = noise(1, 2, 3, 4)
    torch.testing.assert_close(upsampler(x, output_size), F.interpolate(x, size=output_size, mode=mode))


def test_pixel_centres():
    upsampler = InterpolateConvUpsampler(1, 1, mode="bilinear")
    nn.init.dirac_(upsampler.conv.weight)
    torch.testing.assert_close(upsampler(image([0, 1]), (2, 4)), image([0, 0.25, 0.75, 1], [0, 0.25, 0.75, 1]))


@pytest.mark.parametrize("mode", MODES)
def test_a_constant_stays_constant_up_to_the_rim(mode):
    upsampler = with_kernel(InterpolateConvUpsampler(1, 1, mode=mode), torch.full((3, 3), 1 / 9), bias=1.0)
    torch.testing.assert_close(upsampler(torch.full((1, 1, 3, 2), 7.0), (6, 5)), torch.full((1, 1, 6, 5), 8.0))


@pytest.mark.parametrize(
    ("output_size", "expected"),
    [
        ((2, 4), [[1, 2, 10, 20], [3, 4, 30, 40]]),
        ((3, 5), [[1, 2, 10, 20, 0], [3, 4, 30, 40, 0], [0, 0, 0, 0, 0]]),
    ],
)
def test_kernel_two_tiles(output_size, expected):
    kernel = torch.arange(1.0, 5).view(2, 2)
    upsampler = with_kernel(TransposedConvUpsampler(1, 1, kernel_size=2, padding=0), kernel, bias=0.5)
    assert torch.equal(upsampler(image([1, 10]), output_size), image(*expected) + 0.5)


def test_a_fixed_output_padding_pastes_as_a_chosen_one():
    kernel = torch.arange(1.0, 10).view(3, 3)
    upsampler = with_kernel(TransposedConvUpsampler(1, 1, kernel_size=3, padding=1, output_padding=1), kernel)
    assert torch.equal(upsampler(image([1, 10]), (2, 4)), image([5, 46, 50, 60], [8, 79, 80, 90]))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("output_size", [(6, 8), (5, 9), (1, 11), (3, 4)])
def test_a_1x1_convolution_commutes_with_interpolation(mode, output_size):
    first, last = ConvInterpolateUpsampler(5, 3, mode=mode), InterpolateConvUpsampler(5, 3, mode=mode, kernel_size=1)
    nn.init.normal_(first.conv.bias)
    last.load_state_dict(first.state_dict())
    x = noise(2, 5, 3, 4).double()
    torch.testing.assert_close(first.double()(x, output_size), last.double()(x, output_size), rtol=0, atol=1e-14)


def test_pixel_shuffle_interleaves_four_channels():
    upsampler = PixelShuffleUpsampler(1, 1, kernel_size=1)
    upsampler = with_kernel(upsampler, torch.arange(1.0, 5).view(4, 1, 1, 1), bias=0.5)
    assert torch.equal(upsampler(image([1, 10]), (2, 4)), image([1, 2, 10, 20], [3, 4, 30, 40]) + 0.5)


def test_pixel_shuffle_starts_as_nearest_upsampling_of_a_convolution():
    upsampler, x = PixelShuffleUpsampler(3, 2), noise(1, 3, 4, 5)
    convolved = upsampler.conv(F.pad(x, (1, 1, 1, 1), mode="replicate"))[:, ::4]
    expected = convolved.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
    torch.testing.assert_close(upsampler(x, (8, 10)), expected)


def test_bilinear_initialization_is_bilinear_upsampling_of_a_mix():
    upsampler, x = BilinearInitTransposedConvUpsampler(3, 2), noise(1, 3, 4, 5)
    mix = upsampler.conv.weight[..., 1:2, 1:2] / 0.75**2
    bilinear = F.interpolate(F.conv2d(x, mix.transpose(0, 1)), scale_factor=2, mode="bilinear")
    rim = [torch.tensor([0.75] + [1.0] * (n - 2) + [0.75]) for n in (8, 10)]
    torch.testing.assert_close(upsampler(x, (8, 10)), bilinear * torch.outer(*rim))


def test_equal_gains_spread_what_one_phase_has_too_much():
    kernel = torch.zeros(4, 4)
    kernel[0, 0] = 4  # phase gains 4, 0, 0, 0 become 1, 1, 1, 1
    expected = torch.tensor([[-0.75, 0.25], [0.25, 0.25]]).repeat(2, 2)
    expected[0, 0] += 4
    assert torch.equal(equalize_phase_gains(kernel, phase_masks(4, 2)), expected)
    assert torch.equal(equalize_phase_gains(image([1, 2], [3, 6]), phase_masks(2, 2)), image([3, 3], [3, 3]))


@pytest.mark.parametrize("kernel_size", [2, 3, 4, 5, 6])
def test_equal_gains_are_an_orthogonal_projection(kernel_size):
    phases = phase_masks(kernel_size, 2).double()
    kernel, other = noise(2, 3, 2, kernel_size, kernel_size).double()
    near, other = equalize_phase_gains(kernel, phases), equalize_phase_gains(other, phases)
    gains = torch.stack([near[..., a::2, b::2].sum((-2, -1)) for a in (0, 1) for b in (0, 1)])
    torch.testing.assert_close(gains, gains[:1].expand(4, -1, -1))
    torch.testing.assert_close(equalize_phase_gains(near, phases), near)
    assert ((kernel - near) * other).sum((-2, -1)).abs().max() < 1e-12


@pytest.mark.parametrize(("kernel_size", "padding"), [(2, 0), (3, 1), (4, 1), (5, 2), (6, 2)])
def test_equal_gains_of_any_kernel_keep_constants_and_the_variance(kernel_size, padding):
    torch.manual_seed(0)
    upsampler = EqualGainTransposedConvUpsampler(48, 48, kernel_size=kernel_size, padding=padding)
    with torch.no_grad():
        response = upsampler(noise(1, 48, 1, 1).expand(1, 48, 12, 12), (24, 24))[..., 6:-6, 6:-6]
        scale = float(upsampler(noise(1, 48, 40, 40), (80, 80))[..., 4:-4, 4:-4].var())
    torch.testing.assert_close(response, response[..., :1, :1].expand_as(response))
    assert scale == pytest.approx(1, rel=0.1)


def test_blur_averages_neighbours_up_to_the_rim():
    def nearest(c_in: int, c_out: int) -> Upsampler:
        return with_kernel(InterpolateConvUpsampler(c_in, c_out, mode="nearest", kernel_size=1), torch.ones(1))

    blurred = BlurredUpsampler(1, 1, upsampler=nearest)
    row = [1, 3.25, 7.75, 10]  # of 1, 1, 10, 10 by 1/4, 2/4, 1/4
    assert torch.equal(blurred(image([1, 10]), (2, 4)), image(row, row))
    assert torch.equal(binomial_kernel(5)[2] * 256, torch.tensor([6.0, 24, 36, 24, 6]))


def dysample_moved_by(x: float, y: float, groups: int = 1) -> DySampleUpsampler:
    """Of one group's channel each, unmixed; every point of the last group is moved by so many input pixels."""
    upsampler = DySampleUpsampler(1, groups, groups=groups)
    with torch.no_grad():
        upsampler.mix.weight.fill_(1.0)
        upsampler.displacement.weight.zero_()
        upsampler.displacement.bias[-8:-4], upsampler.displacement.bias[-4:] = x / 0.25, y / 0.25
    return upsampler


def test_dysample_with_nothing_moved_is_bilinear():
    x = noise(2, 1, 4, 5)
    torch.testing.assert_close(dysample_moved_by(0, 0)(x, (8, 10)), F.interpolate(x, scale_factor=2, mode="bilinear"))


def test_dysample_moves_its_points_in_pixels_of_the_input():
    ramp, still, moved = image([0, 4, 8, 12]), [0, 1, 3, 5, 7, 9, 11, 12], [3, 5, 7, 9, 11, 12, 12, 12]
    torch.testing.assert_close(dysample_moved_by(1, 0)(ramp, (2, 8)), image(moved, moved))
    torch.testing.assert_close(dysample_moved_by(0, 1)(ramp, (2, 8)), image(still, still))
    torch.testing.assert_close(dysample_moved_by(0, 1)(ramp.mT, (8, 2)), image(moved, moved).mT)
    both = dysample_moved_by(1, 0, groups=2)(ramp, (2, 8))
    torch.testing.assert_close(both, torch.cat([image(still, still), image(moved, moved)], dim=1))


def test_dysample_lets_the_input_move_its_points():
    upsampler = dysample_moved_by(0, 0)
    with torch.no_grad():
        upsampler.displacement.weight[:4] = 1.0  # by a quarter of the value to the right
    # Points of both outputs of pixel 0 stay; those of pixel 1 move from 0.75 and 1.25 by a quarter of 4.
    torch.testing.assert_close(upsampler(image([0, 4, 8]), (2, 6))[0, 0, 0, :4], torch.tensor([0.0, 1, 7, 8]))


def test_dysample_places_its_points_finer_than_bfloat16():
    upsampler, wide = dysample_moved_by(0, 0), noise(1, 1, 1, 600).bfloat16()
    exact = upsampler(wide.float(), (2, 1200))
    torch.testing.assert_close(upsampler.bfloat16()(wide, (2, 1200)).float(), exact, rtol=0.01, atol=0.01)
