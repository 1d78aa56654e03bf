"""What is measured from outside agrees with what is known from the formulas."""

import pytest
import torch

from fundus_unet.core.errors import InputError
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.measuring import (
    flops_per_output_pixel,
    is_linear,
    measure,
    nearest_to_double,
    operation_matrix,
    overlap_of,
    phase_values,
    reachable_sizes,
)
from fundus_unet.upsampling.overlap import overlap_map, phase_overlap
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import Upsampler
from fundus_unet.upsampling.views import convolution_matrix
from upsampling.cases import every_upsampler


class Squared(Upsampler):
    def reset_parameters(self) -> None: ...

    def forward(self, x, output_size):
        return torch.nn.functional.interpolate(x, output_size) ** 2


@pytest.mark.parametrize(("kernel_size", "padding"), [(2, 0), (3, 1), (4, 1), (5, 2)])
def test_transposed_convolutions(kernel_size, padding):
    upsampler = TransposedConvUpsampler(2, 3, kernel_size=kernel_size, padding=padding)
    output_size = nearest_to_double(upsampler, (3, 4))
    assert output_size == (6, 8)
    counts = overlap_map((3, 4), kernel_size, 2, padding, (6 - reach(3, kernel_size, padding),) * 2)
    assert torch.equal(overlap_of(upsampler, (3, 4), output_size), counts.double())
    weight = upsampler.conv.weight[:1, :1].detach().double()
    matrix = operation_matrix(upsampler, (3, 4), output_size)
    torch.testing.assert_close(matrix, convolution_matrix(weight, output_size, 2, padding).T)


def reach(size: int, kernel_size: int, padding: int) -> int:
    return (size - 1) * 2 - 2 * padding + kernel_size


@every_upsampler
def test_reachable_sizes_are_those_of_the_case(case):
    heights, widths = reachable_sizes(case.factory(2, 2), (3, 5))
    for sides, size in ((heights, 3), (widths, 5)):
        assert sides == (case.reaches(size) if case.reaches else list(range(1, 3 * size + 3)))


@every_upsampler
def test_measuring_changes_nothing_and_matches_the_forward_pass(case):
    torch.manual_seed(0)
    upsampler = case.factory(2, 2)
    before = {name: value.clone() for name, value in upsampler.state_dict().items()}
    output_size = nearest_to_double(upsampler, (4, 5))
    measured = measure(upsampler, (4, 5), output_size)
    for name, value in upsampler.state_dict().items():
        assert torch.equal(value, before[name])
    x = torch.zeros(1, 2, 4, 5)
    x[0, 0, 1, 2] = 1
    with torch.no_grad():
        impulse = upsampler(x, output_size)[0, 0].double()
    torch.testing.assert_close(measured.impulse, impulse, rtol=1e-4, atol=1e-5)
    if measured.matrix is not None:
        assert measured.impulse_at == (1, 2)
        torch.testing.assert_close(measured.matrix[:, 1 * 5 + 2], measured.impulse.flatten())


def test_what_is_not_linear():
    squared = Squared(1, 1)
    assert not is_linear(squared, (3, 3), (6, 6))
    assert is_linear(InterpolateConvUpsampler(2, 1), (3, 3), (6, 6))
    measured = measure(squared, (3, 3), (6, 6))
    assert measured.matrix is measured.overlap is None
    assert measured.impulse.sum() == 4


def test_flops():
    three = TransposedConvUpsampler(2, 3, kernel_size=3, padding=1)
    assert flops_per_output_pixel(three, (8, 8), (16, 16)) == 2 * 9 / 4 * 2 * 3
    assert flops_per_output_pixel(InterpolateConvUpsampler(2, 3), (8, 8), (16, 16)) == 2 * 9 * 2 * 3


def test_phases_are_read_from_the_middle():
    assert phase_values(overlap_map(6, 3, 2, 1)).tolist() == phase_overlap(3, 2, 1).tolist()
    assert phase_values(torch.arange(2).view(1, 2)).tolist() == [[0, 1]]


def test_an_unreachable_size():
    with pytest.raises(InputError, match="cannot turn length 3 into 9"):
        measure(TransposedConvUpsampler(1, 1, kernel_size=4, padding=1), (3, 3), (9, 9))
