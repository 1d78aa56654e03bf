"""All measures of one network over a list of inputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fundus_unet.comparison.checkerboard.gain import gain_imbalance
from fundus_unet.comparison.checkerboard.gradient import input_gradient
from fundus_unet.comparison.checkerboard.overlap import overlap_unevenness
from fundus_unet.comparison.checkerboard.phase_energy import phase_energy
from fundus_unet.comparison.checkerboard.readings import Reading, Readings
from fundus_unet.comparison.checkerboard.regions import region_at
from fundus_unet.comparison.checkerboard.sensitivity import choose_shifts, subgrid_shift_sensitivity
from fundus_unet.comparison.checkerboard.spectrum import DIRECTIONS, grid_line_spectrum
from fundus_unet.comparison.checkerboard.stages import outputs_of, stages_of
from fundus_unet.comparison.checkerboard.tiles import tile_size
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


@dataclass(frozen=True)
class Settings:
    """`max_shifts` of the image; `margin_blocks` along the border, in units of the longest period, are not
    compared between shifts."""

    max_shifts: int = 16
    margin_blocks: int = 6


def measure_network(
    network: nn.Module,
    inputs: Sequence[Tensor],
    regions: Sequence[Tensor | None] | None = None,
    backgrounds: Sequence[Tensor | None] | None = None,
    settings: Settings | None = None,
    on_input: Callable[[], None] = lambda: None,
) -> Readings:
    """Every measure at every stage and at the output, one reading per input.

    The network may be any module that holds `Upsampler`s; its output shall be an image. A grid of the last stage has
    period 2 there, of the stage before period 4, and so on. Measures that shift the input or differentiate by it are
    for networks whose output has the input's size; others get a reason instead of a value.

    Args:
        regions: One per input, is where phase energies and shifts are taken, such as the field of view.
        backgrounds: Where spectra are taken, such as its vessel-free part. None is everywhere. Where the output is
            larger than the input, both have the output's size.

    Shapes:
        inputs are batches of one; masks are bool (H, W).

    Raises:
        InputError: For lists of different lengths, or a module without upsamplers.
    """
    stages = stages_of(network)
    regions, backgrounds = regions or [None] * len(inputs), backgrounds or [None] * len(inputs)
    if not stages or not inputs or not len(inputs) == len(regions) == len(backgrounds):
        raise InputError(
            "there is nothing to measure",
            expected="a network with upsamplers, at least one input, and a mask for each or none at all",
            got=f"{len(stages)} upsamplers, {len(inputs)} inputs, {len(regions)} regions",
        )
    settings = settings or Settings()
    network.eval()
    readings: Readings = {name: {} for name in MEASURES}
    for stage in stages:
        readings["overlap_unevenness"][stage.name] = [overlap_unevenness(stage.upsampler)]
        readings["gain_imbalance"][stage.name] = [gain_imbalance(stage.upsampler)]
    periods = periods_of(network)
    size: int | None = None
    for number, (image, region, background) in enumerate(zip(inputs, regions, backgrounds, strict=True)):
        outputs, output = outputs_of(network, stages, image)
        everywhere = torch.ones(output.shape[-2:], dtype=torch.bool)
        if number == 0:
            masks = [everywhere if mask is None else mask for mask in backgrounds]
            size = tile_size(masks, max(periods))
        _add_phase_energies(readings["phase_energy"], outputs, output, region, periods)
        spectrum = grid_line_spectrum(output, everywhere if background is None else background, periods, size)
        for period in periods:
            for direction in DIRECTIONS:
                _add(readings["grid_line_spectrum"], f"period {period}, {direction}", spectrum[period, direction])
        from_image = image.ndim == 4 and image.shape[-2:] == output.shape[-2:]
        _add_gradients(readings["gradient_phase_energy"], network, image, region, periods, from_image)
        shifted = _sensitivity(network, image, region, max(periods), settings, from_image)
        for name, reading in shifted.items():
            _add(readings["subgrid_shift_sensitivity"], name, reading)
        on_input()
    return readings


def periods_of(network: nn.Module) -> list[int]:
    """Periods at the output of the grids of all stages, the last stage's first: 2, 4, ..."""
    return [2**number for number in range(1, len(stages_of(network)) + 1)]


def _add_phase_energies(
    places: dict[str, list[Reading]],
    outputs: dict[str, Tensor],
    output: Tensor,
    region: Tensor | None,
    periods: Sequence[int],
) -> None:
    for name, maps in outputs.items():
        _add(places, name, phase_energy(maps, 2, region_at(region, (maps.shape[-2], maps.shape[-1]))))
    for period in periods:
        _add(places, f"output, period {period}", phase_energy(output, period, region))


def _add_gradients(
    places: dict[str, list[Reading]],
    network: nn.Module,
    image: Tensor,
    region: Tensor | None,
    periods: Sequence[int],
    from_image: bool,
) -> None:
    gradient = input_gradient(network, image, region) if from_image else None
    for period in periods:
        none = Reading(reason=NOT_FROM_AN_IMAGE)
        _add(places, f"period {period}", none if gradient is None else phase_energy(gradient, period, region))


def _sensitivity(
    network: nn.Module, image: Tensor, region: Tensor | None, block: int, settings: Settings, from_image: bool
) -> dict[str, Reading]:
    if not from_image:
        return dict.fromkeys(("probability", "dice"), Reading(reason=NOT_FROM_AN_IMAGE))
    with torch.no_grad():
        shifts = choose_shifts(block, settings.max_shifts)
        return subgrid_shift_sensitivity(network, image, region, block, shifts, settings.margin_blocks * block)


def _add(places: dict[str, list[Reading]], name: str, reading: Reading) -> None:
    places.setdefault(name, []).append(reading)
