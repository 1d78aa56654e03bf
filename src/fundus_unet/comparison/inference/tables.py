"""What inference.json says, as tables and a document."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from fundus_unet.comparison.document import Document, Grid
from fundus_unet.comparison.inference.backends import REFERENCE
from fundus_unet.comparison.speed.tables import number_text, range_text, rate_text

SavedRow = Mapping[str, Any]
"""A row of inference.json."""
COLUMNS = (
    "backend",
    "ms",
    "ms, quartiles",
    "ns/pixel",
    "times as fast",
    "times as fast, quartiles",
    "MB",
    "GPU MB",
    "% of rate",
)
TERMINAL = ("backend", "ms", "ns/pixel", "times as fast", "MB", "GPU MB", "% of rate")
"""The columns that fit a terminal of 80."""
ACCURACY_TITLE = "Dice on the validation images, in the field of view"
ACCURACY = ("backend", "Dice", "change", "mean difference", "largest difference")
LEGEND = (
    f"ms: one image, from the working image to its probability map, median. times as fast: as `{REFERENCE}`, PyTorch "
    "as it comes, in the same round, median. folded: what predict does. MB: growth of the process's memory while it "
    "runs. % of rate: of the measured rate of matrix products, counted by the operations that the image's own pixels "
    "need, not by those of tiles that overlap."
)


def inference_document(result: Mapping[str, Any]) -> Document:
    """Cost per pixel over the sizes, a table per size, and the accuracy where it was measured."""
    facts = result["environment"]
    parts: list[str | Grid] = [
        "# Speed of inference",
        result["created"] + ("" if result["complete"] else "; **not complete**: these sizes were measured"),
        f"{facts['processor']}, {facts['torch_threads']} threads; accelerator {facts['accelerator'] or 'none'}; "
        f"torch {facts['packages']['torch']}; commit {facts['commit'] or 'unknown'}",
        f"`{result['settings']['model']}`, {number_text(result['flops_per_pixel'], 1e3)} kFLOP per pixel, tiles of "
        f"{result['settings']['tile'] or 'any size'}",
        *(f"Matrix products, {rate_text(rate)}." for rate in result["matrix_product_rate"]),
        LEGEND,
        "## Nanoseconds per pixel, by the side of the image",
        pixel_grid(result["rows"]),
    ]
    for title, rows in by_size(result["rows"]):
        parts += [f"## {title}", size_grid(rows)]
    if result["accuracy"]:
        parts += [
            f"## {ACCURACY_TITLE}",
            f"{result['accuracy'][0]['images']} images, threshold {result['threshold']:.2f}. Change: against "
            f"`{REFERENCE}`; differences of probability too.",
            accuracy_grid(result["accuracy"]),
        ]
    return [*parts, *remarks(result)]


def by_size(rows: Sequence[SavedRow]) -> list[tuple[str, list[SavedRow]]]:
    """Rows that were timed against each other."""
    groups = itertools.groupby(rows, lambda row: (row["device"], row["size"]))
    return [(f"{size} x {size} pixels, {device}", list(group)) for (device, size), group in groups]


def size_grid(rows: Sequence[SavedRow]) -> Grid:
    """One line per backend."""
    return Grid(COLUMNS, [_cells(row) for row in rows])


def pixel_grid(rows: Sequence[SavedRow]) -> Grid:
    """One line per backend, one column per size."""
    sizes, names = (list(dict.fromkeys(row[key] for row in rows)) for key in ("size", "backend"))
    cost = {(row["backend"], row["size"]): number_text(row["nanoseconds_per_pixel"]) for row in rows}
    lines = [(f"`{name}`", *(cost.get((name, size), "") for size in sizes)) for name in names]
    return Grid(("backend", *map(str, sizes)), lines)


def accuracy_grid(rows: Sequence[SavedRow]) -> Grid:
    """One line per backend."""
    return Grid(ACCURACY, [_accuracy_cells(row) for row in rows])


def remarks(result: Mapping[str, Any]) -> list[str]:
    """Why some rows have no times, no memory or no Dice; once where all sizes say the same."""
    rows = [*result["rows"], *result["accuracy"]]
    return list(dict.fromkeys(f"{row['backend']}: {row['reason']}" for row in rows if row["reason"]))


def _cells(row: SavedRow) -> tuple[str, ...]:
    return (
        f"`{row['backend']}`",
        number_text(row["median_seconds"], 1e-3) if row["status"] == "measured" else row["status"],
        range_text(row["lower_quartile_seconds"], row["upper_quartile_seconds"], 1e-3),
        number_text(row["nanoseconds_per_pixel"]),
        number_text(row["speedup"]),
        range_text(row["speedup_lower_quartile"], row["speedup_upper_quartile"]),
        number_text(row["process_memory_bytes"], 1e6),
        number_text(row["accelerator_memory_bytes"], 1e6),
        number_text(row["share_of_matrix_rate"], 0.01),
    )


def _accuracy_cells(row: SavedRow) -> tuple[str, ...]:
    if row["dice"] is None:
        return f"`{row['backend']}`", "failed", "", "", ""
    change = "" if row["dice_change"] is None else f"{row['dice_change']:+.5f}"
    return (
        f"`{row['backend']}`",
        f"{row['dice']:.5f}",
        change,
        number_text(row["mean_difference"]),
        number_text(row["largest_difference"]),
    )
