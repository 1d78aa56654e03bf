"""The engine on U-Nets, generators and heads: every measure at every stage."""

import json

import pytest
import torch
from torch import Tensor, nn

from fundus_unet.comparison.checkerboard.engine import MEASURES, NOT_FROM_AN_IMAGE, measure_network
from fundus_unet.comparison.checkerboard.figure_data import figure_data_of
from fundus_unet.comparison.checkerboard.gradient import input_gradient
from fundus_unet.comparison.checkerboard.measured_values import MeasuredValue, summarize, summarize_seeds
from fundus_unet.comparison.checkerboard.phase_energy import moving_average, phase_energy
from fundus_unet.comparison.checkerboard.regions import background_of, eroded, region_at
from fundus_unet.core.errors import InputError
from fundus_unet.models.downsampling import MaxPoolDownsampler
from fundus_unet.models.unet import UNet
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from tensors import noise


def transposed(kernel_size: int):
    return lambda a, b: TransposedConvUpsampler(a, b, kernel_size=kernel_size, padding=int(kernel_size > 2))


class Generator(nn.Module):
    """Latent values to a figure, like a DCGAN's."""

    def __init__(self, upsampler) -> None:
        super().__init__()
        self.first = nn.Linear(8, 6 * 16 * 16)
        self.stages = nn.ModuleList([upsampler(6, 4), upsampler(4, 3)])

    def forward(self, z: Tensor) -> Tensor:
        x = self.first(z).sigmoid().view(-1, 6, 16, 16)
        for stage in self.stages:
            x = torch.sigmoid(stage(x, (2 * x.shape[-2], 2 * x.shape[-1])))
        return x


def unet(upsampler) -> UNet:
    torch.manual_seed(0)
    return UNet(3, 1, [4, 6, 8], upsampler, MaxPoolDownsampler)


def test_a_unet_has_every_measure_at_every_place():
    inputs = [noise(1, 3, 126, 121, seed=seed) for seed in (0, 1)]
    region = torch.ones(126, 121, dtype=torch.bool)
    region[:10] = False
    seen = []
    measured = measure_network(unet(transposed(3)), inputs, [region, region], None, 4, lambda: seen.append(1))
    assert len(seen) == 2
    assert tuple(measured) == MEASURES
    assert list(measured["phase_energy"]) == ["stage 1", "stage 2", "output, period 2", "output, period 4"]
    assert [one.value for one in measured["overlap_unevenness"]["stage 2"]] == [pytest.approx(4 / 3)]
    for measure in MEASURES[2:]:
        for place, values in measured[measure].items():
            assert len(values) == 2
            assert all(value.value is not None for value in values), (measure, place)
    json.dumps({m: {p: summarize(v) for p, v in places.items()} for m, places in measured.items()}, allow_nan=False)


def test_transposed_kernels_make_grids_at_init_where_interpolation_does_not():
    inputs = [1 + noise(1, 3, 128, 128)]
    grids, none = (measure_network(unet(up), inputs) for up in (transposed(3), InterpolateConvUpsampler))

    def excess(measured, place: str) -> float:
        return measured["phase_energy"][place][0].excess

    assert excess(grids, "stage 2") > 0.1 > 20 * abs(excess(none, "stage 2"))
    assert excess(grids, "output, period 2") > 0.02
    assert abs(excess(none, "output, period 2")) < 0.001
    lines = [f"period 2, {direction}" for direction in ("x", "y", "diagonal")]
    strongest, other = (max(one["grid_line_spectrum"][line][0].value for line in lines) for one in (grids, none))
    assert strongest > 8 > 4 > other


def test_a_generator_is_measured_without_what_needs_an_image():
    torch.manual_seed(0)
    measured = measure_network(Generator(transposed(4)), [noise(1, 8, seed=seed) for seed in range(2)])
    assert measured["phase_energy"]["output, period 2"][1].excess > 0.05
    assert measured["grid_line_spectrum"]["period 2, x"][0].value is not None
    for measure in ("subgrid_shift_sensitivity", "gradient_phase_energy"):
        for values in measured[measure].values():
            assert [value.reason for value in values] == [NOT_FROM_AN_IMAGE] * 2


def test_what_is_not_measurable_is_refused():
    with pytest.raises(InputError, match="nothing to measure"):
        measure_network(nn.Conv2d(3, 1, 1), [noise(1, 3, 16, 16)])
    with pytest.raises(InputError, match="2 regions"):
        measure_network(unet(transposed(2)), [noise(1, 3, 16, 16)], [None, None])


def test_the_gradient_of_a_strided_layer_is_a_grid():
    """A 1x1 convolution of stride 2 sees one pixel of four: phase means 1, 0, 0, 0, nothing else varies."""

    class Strided(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.interpolate(x[:, :1, ::2, ::2], scale_factor=2)

    image = noise(1, 3, 64, 64)
    gradient = input_gradient(Strided(), image, None)
    assert gradient[0, 0, :2].tolist() == [4, 0]
    assert gradient[0, 1].abs().max() == gradient[1:].abs().max() == 0
    assert phase_energy(gradient).value == pytest.approx(1)
    region = torch.zeros(64, 64, dtype=torch.bool)
    region[:2, :2] = True
    assert input_gradient(Strided(), image, region).count_nonzero() == 1


def test_regions_at_the_resolution_of_a_stage():
    region = torch.ones(9, 10, dtype=torch.bool)
    region[0, 0] = False
    small = region_at(region, (5, 5))
    assert small.sum() == 25 - 1 - 5  # one block with an outside pixel, and the padded last row
    assert not small[0, 0]
    assert region_at(None, (5, 5)) is None
    with pytest.raises(InputError, match="blocks"):
        region_at(region, (5, 10))


def test_the_background_keeps_away_from_rim_and_vessels():
    field_of_view, vessels = torch.ones(64, 64, dtype=torch.bool), torch.zeros(64, 64, dtype=torch.bool)
    vessels[32, 32] = True
    background = background_of(field_of_view, vessels)
    assert int((~background)[8:56, 8:56].sum()) == 7 * 7
    assert int(background.sum()) == 48 * 48 - 49
    assert torch.equal(eroded(field_of_view, 8)[8:-8, 8:-8], torch.ones(48, 48, dtype=torch.bool))


def test_figures_show_the_networks_maps():
    shown = figure_data_of(unet(transposed(3)), noise(1, 3, 80, 72))
    assert shown.residual.shape == (32, 32)
    assert shown.spectrum.shape == (16, 16)
    assert shown.phase_means["stage 1"].shape == (6, 2, 2)
    assert shown.phase_means["output, period 4"].shape == (1, 4, 4)
    assert max(shown.spectrum[place] for place in ((0, 0), (0, 8), (8, 0))) > 8  # a grid of period 2
    small = figure_data_of(unet(transposed(3)), noise(1, 3, 20, 20))  # too small for several tiles
    assert small.residual.shape == (20, 20)
    assert small.spectrum.shape == (16, 16)


def test_the_detail_lies_between_vessels():
    background = torch.zeros(96, 96, dtype=torch.bool)
    background[40:72, 24:56] = True
    image, network = noise(1, 3, 96, 96), unet(transposed(3)).eval()
    output = network(image)[0].detach()
    expected = (output - moving_average(output, 2))[0] / output.std(correction=0)
    shown = figure_data_of(network, image, background=background)
    assert shown.residual == pytest.approx(expected[40:72, 24:56].numpy(), abs=1e-4)


def test_summaries_leave_out_what_is_missing():
    one = summarize(
        [MeasuredValue(1.0, 0.0, None, 1.0, 2.0), MeasuredValue(3.0, 0.0, None, 2.0, 4.0), MeasuredValue(reason="none")]
    )
    assert (one["value"], one["excess"], one["positive_control"], one["images"]) == (2.0, 1.5, 3.0, 2)
    assert one["value_sd_over_images"] == pytest.approx(2**0.5)
    assert one["null_95"] is None
    assert one["reason"] == "none"
    both = summarize_seeds([{"seed": 0} | one, {"seed": 1} | summarize([MeasuredValue(4.0)])])
    assert (both["mean"], both["excess"]) == (3.0, 1.5)
    assert both["sd_over_seeds"] == pytest.approx(2**0.5)
    assert summarize_seeds([one])["sd_over_seeds"] is None
