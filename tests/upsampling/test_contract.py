"""What every upsampler promises, whichever it is."""

import itertools

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.blur import BlurredUpsampler
from fundus_unet.upsampling.conv_interpolate import ConvInterpolateUpsampler
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.pixel_shuffle import PixelShuffleUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import Upsampler
from tensors import noise
from upsampling.cases import CASES, CONFIGS, UpsamplerCase, every_upsampler


def build(case: UpsamplerCase, in_channels: int = 3, out_channels: int = 2, seed: int = 0) -> Upsampler:
    torch.manual_seed(seed)
    return case.factory(in_channels, out_channels)


def variance_gain(upsampler: Upsampler) -> float:
    x = noise(2, upsampler.in_channels, 40, 40)
    with torch.no_grad():
        return float(upsampler(x, (80, 80))[..., 4:-4, 4:-4].var())


def test_every_option_has_one_row():
    assert sorted(case.name for case in CASES) == sorted(path.stem for path in CONFIGS.glob("*.yaml"))


@every_upsampler
def test_the_option_lands_in_the_model(case):
    assert (CONFIGS / f"{case.name}.yaml").read_text().startswith("# @package model.upsampler\n")


@every_upsampler
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 4), (5, 3)])
def test_reaches_its_sizes(case, height, width):
    upsampler, x = build(case), noise(2, 3, height, width)
    for output_size in itertools.product(case.sizes(height), case.sizes(width)):
        out = upsampler(x, output_size)
        assert out.shape == (2, 2, *output_size)
        assert out.isfinite().all()
    assert upsampler(x, x.new_empty(2 * height, 2 * width).shape).shape[-2:] == (2 * height, 2 * width)


@every_upsampler
@pytest.mark.parametrize("size", [1, 4])
def test_other_sizes_are_errors_that_name_the_reachable_ones(case, size):
    upsampler, x = build(case), noise(1, 3, size, size)
    unreachable = {*range(3 * size + 4)} - {*case.reaches(size)} if case.reaches else {-1, 0}
    for bad, good in itertools.product(unreachable, [2 * size]):
        for output_size in [(bad, good), (good, bad)]:
            with pytest.raises(InputError) as caught:
                upsampler(x, output_size)
            assert (str(case.reaches(size)) if case.reaches else ">= 1") in str(caught.value)


@every_upsampler
def test_gradients(case):
    upsampler = build(case, 2, 2).double()
    names, parameters = zip(*upsampler.named_parameters(), strict=True)

    def run(x: Tensor, *values: Tensor) -> Tensor:
        return functional_call(upsampler, dict(zip(names, values, strict=True)), (x, (6, 4)))

    x = noise(1, 2, 3, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(run, (x, *parameters))


@every_upsampler
def test_a_seed_decides_the_weights(case):
    x = noise(1, 3, 4, 5)
    first, again, other = (build(case, seed=seed)(x, (8, 10)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


@every_upsampler
def test_images_of_a_batch_do_not_mix(case):
    upsampler, x = build(case), noise(2, 3, 4, 5)
    torch.testing.assert_close(upsampler(x, (8, 10))[1:], upsampler(x[1:], (8, 10)))


@every_upsampler
def test_state_dict_round_trip(case):
    source, target, x = build(case, seed=0), build(case, seed=1), noise(1, 3, 4, 5)
    target.load_state_dict(source.state_dict())
    assert torch.equal(source(x, (8, 10)), target(x, (8, 10)))


@every_upsampler
def test_parameter_count(case):
    upsampler = build(case, 5, 7)
    assert sum(parameter.numel() for parameter in upsampler.parameters()) == case.parameters(5, 7)


@every_upsampler
def test_bf16_autocast_gives_nearly_the_same(case):
    upsampler, x = build(case, 4, 4), noise(1, 4, 6, 6)
    exact = upsampler(x, (12, 12))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = upsampler(x, (12, 12))
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), exact, rtol=0.02, atol=0.03)


@every_upsampler
def test_reset_draws_new_weights_of_the_same_scale(case):
    upsampler, x = build(case, 48, 48), noise(1, 48, 4, 4)
    before = upsampler(x, (8, 8))
    assert variance_gain(upsampler) == pytest.approx(case.gain, rel=0.1)
    with torch.no_grad():
        for parameter in upsampler.parameters():
            parameter.fill_(3.0)
    upsampler.reset_parameters()
    assert variance_gain(upsampler) == pytest.approx(case.gain, rel=0.1)
    assert not torch.allclose(upsampler(x, (8, 8)), before)
    assert upsampler(torch.zeros_like(x), (8, 8)).abs().max() == 0


@every_upsampler
def test_the_scale_does_not_depend_on_the_number_of_channels(case):
    assert variance_gain(build(case, 16, 128)) == pytest.approx(case.gain, rel=0.1)
    assert variance_gain(build(case, 128, 16)) == pytest.approx(case.gain, rel=0.1)


@every_upsampler
def test_response_to_a_constant(case):
    x = noise(1, 6, 1, 1).expand(1, 6, 8, 8)
    interior = build(case, 6, 4)(x, (16, 16))[0, :, 3:-3, 3:-3]
    spread = interior.amax((1, 2)) - interior.amin((1, 2))
    if case.constant_stays_constant:
        assert spread.max() < 1e-5
    else:
        assert spread.min() > 0.05


@every_upsampler
def test_response_to_a_constant_after_training(case):
    upsampler, generator = build(case, 6, 4), torch.Generator().manual_seed(2)
    optimizer = torch.optim.SGD(upsampler.parameters(), lr=0.1)
    for _ in range(5):
        for parameter in upsampler.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()
    interior = upsampler(noise(1, 6, 1, 1).expand(1, 6, 8, 8), (16, 16))[0, :, 3:-3, 3:-3]
    spread = interior.amax((1, 2)) - interior.amin((1, 2))
    if case.constant_through_training:
        assert spread.max() < 1e-5
    else:
        assert spread.min() > 0.05


@every_upsampler
def test_overlap(case):
    upsampler = build(case, 1, 1)
    with torch.no_grad():
        for name, parameter in upsampler.named_parameters():
            parameter.fill_(0.0 if name.endswith("bias") else 1.0)
        interior = upsampler(torch.ones(1, 1, 8, 8), (16, 16))[0, 0, 4:-4, 4:-4]
    assert float((interior.max() - interior.min()) / interior.mean()) == pytest.approx(case.overlap, abs=1e-6)


@every_upsampler
@pytest.mark.parametrize(("in_channels", "out_channels"), [(0, 1), (1, 0), (-2, 4)])
def test_channels_are_checked(case, in_channels, out_channels):
    with pytest.raises(InputError, match=f"in_channels={in_channels}, out_channels={out_channels}"):
        case.factory(in_channels, out_channels)


@pytest.mark.parametrize(
    ("kernel_size", "padding", "message"),
    [
        (1, 0, "kernel_size >= 2"),
        (0, 0, "kernel_size >= 2"),
        (3, 3, "padding=3"),
        (4, 9, "padding=9"),
        (3, -1, "padding=-1"),
    ],
)
def test_transposed_convolution_checks_its_kernel(kernel_size, padding, message):
    with pytest.raises(InputError, match=message):
        TransposedConvUpsampler(1, 1, kernel_size=kernel_size, padding=padding)


@pytest.mark.parametrize("output_padding", [-1, 2])
def test_transposed_convolution_checks_its_output_padding(output_padding):
    with pytest.raises(InputError, match=f"output_padding={output_padding}"):
        TransposedConvUpsampler(1, 1, kernel_size=3, padding=1, output_padding=output_padding)


@pytest.mark.parametrize("size", [(11, 12), (12, 11), (13, 12)])
def test_a_fixed_output_padding_shows_its_arithmetic(size):
    upsampler = TransposedConvUpsampler(1, 1, kernel_size=3, padding=1, output_padding=1)
    with pytest.raises(InputError) as caught:
        upsampler(torch.zeros(1, 1, 6, 6), size)
    assert "length 6 into (6 - 1) * 2 - 2 * 1 + 1 * (3 - 1) + 1 + 1 = 12, not 1" in str(caught.value)


@pytest.mark.parametrize("upsampler", [InterpolateConvUpsampler, PixelShuffleUpsampler])
@pytest.mark.parametrize("kernel_size", [0, 2, 4, -1])
def test_convolutions_check_their_kernel(upsampler, kernel_size):
    with pytest.raises(InputError, match=f"kernel_size={kernel_size}"):
        upsampler(1, 1, kernel_size=kernel_size)


@pytest.mark.parametrize("kernel_size", [1, 2, 4])
def test_blur_checks_its_kernel(kernel_size):
    with pytest.raises(InputError, match=f"kernel_size >= 3\n  got: kernel_size={kernel_size}"):
        BlurredUpsampler(1, 1, upsampler=InterpolateConvUpsampler, kernel_size=kernel_size)


@pytest.mark.parametrize("upsampler", [InterpolateConvUpsampler, ConvInterpolateUpsampler])
def test_interpolation_suggests_a_mode(upsampler):
    with pytest.raises(InputError, match="did you mean 'bilinear'"):
        upsampler(1, 1, mode="bilinaer")
