"""Explain one upsampling: its arithmetic on the terminal, and a figure."""

import functools
import os
from pathlib import Path

import torch
from omegaconf import DictConfig, ListConfig
from rich.console import Console
from rich.table import Table
from torch import Tensor

from fundus_unet.core.counting import parameter_count
from fundus_unet.core.errors import InputError
from fundus_unet.drawing.interpolation_view import stencils
from fundus_unet.drawing.sampling_view import sampling
from fundus_unet.drawing.shuffle_view import shuffle
from fundus_unet.drawing.transposed_views import Kernel
from fundus_unet.drawing.upsampling_figure import Panel, upsampling_figure
from fundus_unet.runs.build import build
from fundus_unet.upsampling.arithmetic import effective_zero_border, input_sizes_for, transposed_formula
from fundus_unet.upsampling.conv_interpolate import ConvInterpolateUpsampler
from fundus_unet.upsampling.dysample import DySampleUpsampler
from fundus_unet.upsampling.interpolate_conv import InterpolateConvUpsampler
from fundus_unet.upsampling.measuring import (
    Measurement,
    flops_per_output_pixel,
    measure,
    nearest_to_double,
    phase_values,
    reachable_sizes,
)
from fundus_unet.upsampling.overlap import phase_overlap
from fundus_unet.upsampling.pixel_shuffle import PixelShuffleUpsampler
from fundus_unet.upsampling.transposed_conv import TransposedConvUpsampler
from fundus_unet.upsampling.upsampler import Upsampler

LARGEST_MATRIX = 4
"""Longest input side of the matrices in the figure."""
FORMATS = (".png", ".pdf", ".svg")


def explain_from_config(config: DictConfig) -> Path:
    """Entry of `scripts/explain_upsampling.py`; returns the figure's path.

    Raises:
        InputError: Before anything is written, for a size that is not reached or a figure that cannot be.
    """
    size = _sides(config.size)
    path = _writable(config.figure)
    torch.manual_seed(config.seed)
    upsampler: Upsampler = build(config.model.upsampler, trusted=True)(config.in_channels, config.out_channels)
    output_size = nearest_to_double(upsampler, size) if config.output_size is None else _sides(config.output_size)
    name = str(config.name)
    measured = measure(upsampler, size, output_size)
    small = (min(size[0], LARGEST_MATRIX), min(size[1], LARGEST_MATRIX))
    small_measured = measure(upsampler, small, nearest_to_double(upsampler, small))
    console = Console()
    console.print(facts(name, upsampler, measured))
    upsampling_figure(name, measured, small_measured, kernel_of(upsampler), special_of(upsampler)).savefig(path)
    console.print(f"figure  {path}", soft_wrap=True)
    return path


def facts(name: str, upsampler: Upsampler, measured: Measurement) -> Table:
    """What is known and measured about the upsampler, one fact per row."""
    (h, w), (height, width) = measured.size, measured.output_size
    table = Table(title=f"{name}: {h} x {w} -> {height} x {width}", title_justify="left", show_header=False, box=None)
    table.add_column(style="bold")
    table.add_column()
    reachable = reachable_sizes(upsampler, measured.size)
    for axis, name in _axes(measured).items():
        side, sides = measured.size[axis], reachable[axis]
        everything = len(sides) == 3 * side + 2
        table.add_row(f"reaches{name}", f"{side} -> {'any size' if everything else _list(sides)}")
    kernel = kernel_of(upsampler)
    if kernel:
        _add_arithmetic(table, measured, kernel)
    pair = f"{upsampler.in_channels} -> {upsampler.out_channels} channels"
    table.add_row("parameters", f"{parameter_count(upsampler)} ({pair})")
    flops = flops_per_output_pixel(upsampler, measured.size, measured.output_size)
    table.add_row("FLOPs per output pixel", f"{flops:.3g} (convolutions, 2 per product)")
    if measured.overlap is None:
        table.add_row("linear", "no: its weights depend on the input, so it has no matrix and no overlap")
    else:
        table.add_row("linear", f"yes: a matrix of {height * width} rows (outputs) and {h * w} columns (inputs)")
        table.add_row("overlap, four phases", f"{_numbers(measured.overlap)} (all weights one, input all one)")
    table.add_row("response to a constant", f"{_numbers(measured.constant)} (four phases, initial weights)")
    reached = int((measured.impulse.abs() > 1e-12).sum())
    table.add_row("response to an impulse", f"{reached} outputs (initial weights)")
    return table


def kernel_of(upsampler: Upsampler) -> Kernel | None:
    """The kernel of a transposed convolution; None for other upsamplers."""
    if isinstance(upsampler, TransposedConvUpsampler):
        return Kernel(upsampler.kernel_size, upsampler.STRIDE, upsampler.padding)
    return None


def special_of(upsampler: Upsampler) -> Panel | None:
    """What draws the step that is this operation's own; None where its kernel says all."""
    match upsampler:
        case InterpolateConvUpsampler(mode=mode, conv=conv):
            side = conv.kernel_size[0]
            return functools.partial(stencils, mode=mode, convolution=f"then {side} × {side}")
        case ConvInterpolateUpsampler(mode=mode):
            return functools.partial(stencils, mode=mode, convolution="after 1 × 1")
        case PixelShuffleUpsampler():
            return shuffle
        case DySampleUpsampler():
            return functools.partial(sampling, upsampler=upsampler)
    return None


def _add_arithmetic(table: Table, measured: Measurement, kernel: Kernel) -> None:
    k, stride, padding = kernel.size, kernel.stride, kernel.padding
    added = kernel.output_paddings(measured)
    for axis, name in _axes(measured).items():
        side, target = measured.size[axis], measured.output_size[axis]
        formula = transposed_formula(side, k, stride, padding, added[axis])
        table.add_row(f"size{name}", f"{formula} = {target}, so output_padding {added[axis]}")
        table.add_row(f"inverse{name}", f"{target} <- {_list(list(input_sizes_for(target, k, stride, padding)))}")
    border = effective_zero_border(k, padding)
    table.add_row("zeros between inputs", f"stride - 1 = {stride} - 1 = {stride - 1}")
    table.add_row("border of zeros", f"dilation * (kernel_size - 1) - padding = 1 * ({k} - 1) - {padding} = {border}")
    table.add_row(
        "taps per phase", f"{phase_overlap(k, stride, padding).tolist()} (rows i mod {stride}, columns j mod {stride})"
    )


def _axes(measured: Measurement) -> dict[int, str]:
    """Both axes and what to call them, or the first alone where the second says the same."""
    (h, w), (height, width) = measured.size, measured.output_size
    return {0: ""} if (h, height) == (w, width) else {0: ", height", 1: ", width"}


def _sides(value: int | ListConfig) -> tuple[int, int]:
    height, width = value if isinstance(value, ListConfig) else (value, value)
    return height, width


def _writable(figure: object) -> Path:
    path = Path(str(figure))
    if path.suffix not in FORMATS:
        raise InputError("the figure has no format to be saved in", expected=f"a name ending in {FORMATS}", got=path)
    if path.is_dir() or not path.parent.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InputError(
            "the figure cannot be written",
            expected="a file in an existing folder that you may write to",
            got=path,
            fix="figure=NAME.png",
        )
    return path


def _numbers(image: Tensor) -> str:
    return _list([f"{value:.3g}" for value in phase_values(image).flatten().tolist()])


def _list(values: list[int] | list[str]) -> str:
    return ", ".join(map(str, values)) or "nothing"
