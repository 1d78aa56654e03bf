"""All measures of one network over a list of inputs."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from fundus_unet.comparison.checkerboard.gradient import input_gradient
from fundus_unet.comparison.checkerboard.measured_values import MeasuredValue, MeasuredValues
from fundus_unet.comparison.checkerboard.module_measures import gain_imbalance, overlap_unevenness
from fundus_unet.comparison.checkerboard.phase_energy import phase_energy
from fundus_unet.comparison.checkerboard.regions import region_at
from fundus_unet.comparison.checkerboard.sensitivity import choose_shifts, subgrid_shift_sensitivity
from fundus_unet.comparison.checkerboard.spectrum import grid_line_spectrum
from fundus_unet.comparison.checkerboard.tiles import tile_size
from fundus_unet.comparison.decoder_stages import DecoderStage, outermost_upsamplers, pass_through
from fundus_unet.core.errors import InputError

NOT_FROM_AN_IMAGE = "only for a network whose output has the size of its input"
MEASURES = (
    "overlap_unevenness",
    "gain_imbalance",
    "phase_energy",
    "grid_line_spectrum",
    "subgrid_shift_sensitivity",
    "gradient_phase_energy",
)
MAX_SHIFTS = 16
MARGIN_BLOCKS = 6
"""Along the border, in units of the longest period, answers are not compared between shifts."""


def measure_network(
    network: nn.Module,
    inputs: Sequence[Tensor],
    regions: Sequence[Tensor | None] | None = None,
    backgrounds: Sequence[Tensor | None] | None = None,
    max_shifts: int = MAX_SHIFTS,
    on_input: Callable[[], None] = lambda: None,
) -> MeasuredValues:
    """Every measure at every stage and at the output, one value per input.

    The network may be any module that holds `Upsampler`s; its output shall be an image. A grid of the last stage has
    period 2 there, of the stage before period 4, and so on. Measures that shift the input or differentiate by it are
    for networks whose output has the input's size; others get a reason instead of a value.

    Args:
        regions: One per input, is where phase energies and shifts are taken, such as the field of view.
        backgrounds: Where spectra are taken, such as its vessel-free part. None is everywhere. Where the output is
            larger than the input, both have the output's size.
        max_shifts: Of each input.

    Shapes:
        inputs are batches of one; masks are bool (H, W).

    Raises:
        InputError: For lists of different lengths, or a module without upsamplers.
    """
    upsamplers = outermost_upsamplers(network)
    regions, backgrounds = regions or [None] * len(inputs), backgrounds or [None] * len(inputs)
    if not upsamplers or not inputs or not len(inputs) == len(regions) == len(backgrounds):
        raise InputError(
            "there is nothing to measure",
            expected="a network with upsamplers, at least one input, and a mask for each or none at all",
            got=f"{len(upsamplers)} upsamplers, {len(inputs)} inputs, {len(regions)} regions",
        )
    network.eval()
    measured: MeasuredValues = {name: {} for name in MEASURES}
    size: int | None = None
    for number, (image, region, background) in enumerate(zip(inputs, regions, backgrounds, strict=True)):
        stages, maps, output = pass_through(network, image)
        periods, output = periods_of(stages), output[0].float()
        everywhere = torch.ones(output.shape[-2:], dtype=torch.bool)
        if number == 0:
            for stage in stages:
                measured["overlap_unevenness"][stage.name] = [overlap_unevenness(upsamplers[stage.path])]
                measured["gain_imbalance"][stage.name] = [gain_imbalance(upsamplers[stage.path])]
            size = tile_size([everywhere if mask is None else mask for mask in backgrounds], max(periods))
        energies = measured["phase_energy"]
        for stage, own in zip(stages, maps, strict=True):
            _add(energies, stage.name, phase_energy(own[0].float(), 2, region_at(region, stage.output_size)))
        for period in periods:
            _add(energies, f"output, period {period}", phase_energy(output, period, region))
        spectrum = grid_line_spectrum(output, everywhere if background is None else background, periods, size)
        for (period, direction), line in spectrum.items():
            _add(measured["grid_line_spectrum"], f"period {period}, {direction}", line)
        from_image = image.ndim == 4 and image.shape[-2:] == output.shape[-2:]
        gradient = input_gradient(network, image, region) if from_image else None
        for period in periods:
            none = MeasuredValue(reason=NOT_FROM_AN_IMAGE)
            value = none if gradient is None else phase_energy(gradient, period, region)
            _add(measured["gradient_phase_energy"], f"period {period}", value)
        for name, value in _sensitivity(network, image, region, max(periods), max_shifts, from_image).items():
            _add(measured["subgrid_shift_sensitivity"], name, value)
        on_input()
    return measured


def periods_of(stages: Sequence[DecoderStage]) -> list[int]:
    """Periods at the output of the grids of all stages, the last stage's first: 2, 4, ..."""
    return [2**number for number in range(1, len(stages) + 1)]


def _sensitivity(
    network: nn.Module, image: Tensor, region: Tensor | None, block: int, max_shifts: int, from_image: bool
) -> dict[str, MeasuredValue]:
    if not from_image:
        return dict.fromkeys(("probability", "dice"), MeasuredValue(reason=NOT_FROM_AN_IMAGE))
    with torch.no_grad():
        shifts = choose_shifts(block, max_shifts)
        return subgrid_shift_sensitivity(network, image, region, block, shifts, MARGIN_BLOCKS * block)


def _add(places: dict[str, list[MeasuredValue]], name: str, value: MeasuredValue) -> None:
    places.setdefault(name, []).append(value)
