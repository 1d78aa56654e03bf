"""What speed.json says, as tables and a document."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from fundus_unet.comparison.document import Document, Grid
from fundus_unet.comparison.speed.conditions import Conditions

SavedRow = Mapping[str, Any]
"""A row of speed.json."""
COLUMNS = (
    "upsampler",
    "ms",
    "ms, quartiles",
    "vs control",
    "vs control, quartiles",
    "images/s",
    "MB",
    "GPU MB",
    "GFLOP",
    "% of rate",
    "parameters",
)
TERMINAL = ("upsampler", "ms", "vs control", "images/s", "MB", "GPU MB", "GFLOP", "% of rate")
"""The columns that fit a terminal of 80."""
LEGEND = (
    "ms: one step over the whole batch, median. vs control: time over the control's in the same round, median. "
    "MB: growth of the process's memory while it runs. GPU MB: most that tensors took on the accelerator. "
    "GFLOP: matrix products and convolutions of one step. % of rate: of the measured rate of matrix products."
)


def speed_document(result: Mapping[str, Any]) -> Document:
    """A table per set of conditions, and for single layers one per decoder stage."""
    facts = result["environment"]
    parts: list[str | Grid] = [
        "# Speed of upsamplers",
        f"{result['created']}, control `{result['control']}`"
        + ("" if result["complete"] else "; **not complete**: these conditions were measured"),
        f"{facts['processor']}, {facts['torch_threads']} threads; accelerator {facts['accelerator'] or 'none'}; "
        f"torch {facts['packages']['torch']}; commit {facts['commit'] or 'unknown'}",
        *(f"Matrix products, {rate_text(rate)}." for rate in result["matrix_product_rate"]),
        LEGEND,
    ]
    for title, rows in by_conditions(result["rows"]):
        parts += [f"## {title}", speed_grid(rows), *remarks(rows)]
    return parts


def by_conditions(rows: Sequence[SavedRow]) -> list[tuple[str, list[SavedRow]]]:
    """Rows that can be compared with each other, under the name of their conditions and decoder stage."""
    return [(title, list(group)) for title, group in itertools.groupby(rows, _title)]


def rows_as_trained(result: Mapping[str, Any], mode: str, precision: str) -> tuple[str, list[SavedRow]] | None:
    """The conditions of whole networks most like a training in `precision`, and its rows.

    Dtype first, then channels_last, then not compiled, then the larger batch. None where no network was timed
    in this mode.
    """
    dtype = "bfloat16" if precision.startswith("bf16") else "float32"
    rows = [row for row in result["rows"] if row["level"] == "network" and row["mode"] == mode]

    def likeness(group: tuple[str, list[SavedRow]]) -> tuple[bool, bool, bool, int]:
        row = group[1][0]
        channels_last = row["memory_format"] == "channels_last"
        return row["dtype"] == dtype, channels_last, not row["compiled"], row["batch_size"]

    return max(by_conditions(rows), key=likeness, default=None)


def speed_grid(rows: Sequence[SavedRow]) -> Grid:
    """One line per upsampler."""
    return Grid(COLUMNS, [_cells(row) for row in rows])


def remarks(rows: Sequence[SavedRow]) -> list[str]:
    """Why some rows have no times, or no memory."""
    found = (f"{_title(row)}, {row['upsampler']}: {row['reason']}" for row in rows if row["reason"])
    return list(dict.fromkeys(found))


def _title(row: SavedRow) -> str:
    title = Conditions(**{field.name: row[field.name] for field in fields(Conditions)}).describe()
    if row["stage"] is None:
        return title
    (h, w), (height, width) = row["size"], row["output_size"]
    channels = f"{row['in_channels']} -> {row['out_channels']} channels"
    return f"{title}: stage {row['stage']}, {channels}, {h} x {w} -> {height} x {width}"


def _cells(row: SavedRow) -> tuple[str, ...]:
    return (
        f"`{row['upsampler']}`",
        number_text(row["median_seconds"], 1e-3) if row["status"] == "measured" else row["status"],
        range_text(row["lower_quartile_seconds"], row["upper_quartile_seconds"], 1e-3),
        number_text(row["ratio_to_control"]),
        range_text(row["ratio_lower_quartile"], row["ratio_upper_quartile"]),
        number_text(row["images_per_second"]),
        number_text(row["process_memory_bytes"], 1e6),
        number_text(row["accelerator_memory_bytes"], 1e6),
        number_text(row["flops"], 1e9),
        number_text(row["share_of_matrix_rate"], 0.01),
        number_text(row["parameters"]),
    )


def rate_text(rate: SavedRow) -> str:
    """A measured rate of matrix products in words."""
    where = f"{rate['device']} {rate['dtype']}{' (TF32)' if rate['tf32'] else ''}"
    if rate["flops_per_second"] is None:
        return f"{where}: {rate['reason']}"
    return f"{where}: {number_text(rate['flops_per_second'], 1e9)} GFLOP/s, side {rate['size']}"


def range_text(lower: float | None, upper: float | None, unit: float = 1.0) -> str:
    """Two numbers as `number_text` has them; nothing for None."""
    return "" if lower is None else f"{number_text(lower, unit)} to {number_text(upper, unit)}"


def number_text(value: float | None, unit: float = 1.0) -> str:
    """Three digits or a little more; nothing for None."""
    if value is None:
        return ""
    value /= unit
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3g}"
