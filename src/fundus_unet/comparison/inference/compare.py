"""Compare ways to execute a trained network: inference.json, inference.md and inference.csv."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from fundus_unet.comparison.inference.accuracy import accuracy_of
from fundus_unet.comparison.inference.backends import BACKENDS
from fundus_unet.comparison.inference.measure import measure_size
from fundus_unet.comparison.inference.program import Program
from fundus_unet.comparison.inference.tables import (
    ACCURACY_TITLE,
    TERMINAL,
    accuracy_grid,
    by_size,
    inference_document,
    remarks,
    size_grid,
)
from fundus_unet.comparison.result import make_folder, new_result, say_written, write_result
from fundus_unet.comparison.speed.conditions import DTYPES
from fundus_unet.comparison.speed.roofline import matrix_product_rate
from fundus_unet.comparison.speed.timing import Effort
from fundus_unet.comparison.steps import Steps
from fundus_unet.comparison.terminal import print_table
from fundus_unet.data.images.store import LabelledImage


def compare_inference(
    names: Sequence[str],
    program: Program,
    sizes: Sequence[int],
    device: torch.device,
    effort: Effort,
    validation: Sequence[LabelledImage],
    folder: Path,
    *,
    memory: bool,
    settings: Mapping[str, Any],
    console: Console,
) -> dict[str, Any]:
    """Measure every backend at every size, and its Dice where there are images; returns what inference.json holds.

    The files are written after every size, so that an interruption loses one at most.

    Args:
        program: Without a folder of its own; its files are made in a temporary one.
        validation: Images to score; none: Dice is not measured.
        memory: Whether peak memory is measured too.
        settings: Kept in the result.

    Raises:
        InputError: Where the folder cannot be made, before anything is measured.
    """
    make_folder(folder)
    dtypes = [dtype for dtype in DTYPES if any(BACKENDS[name].dtype == dtype for name in names)]
    console.print(f"timing matrix products: {', '.join(dtypes)}", highlight=False)
    rates = {dtype: matrix_product_rate(device.type, dtype) for dtype in dtypes}
    flops_per_pixel = program.flops_per_pixel()
    result: dict[str, Any] = {
        **new_result("inference"),
        "complete": False,
        "settings": settings,
        "device": device.type,
        "backends": list(names),
        "threshold": program.facts.threshold,
        "flops_per_pixel": flops_per_pixel,
        "matrix_product_rate": [asdict(rate) for rate in rates.values()],
        "rows": [],
        "accuracy": [],
    }
    paths: list[Path] = []
    try:
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made,
            Steps(console, len(sizes) + bool(validation)) as steps,
        ):
            program = replace(program, folder=Path(made))
            for size in sizes:
                steps.begin(f"{size} x {size} pixels")
                rows = measure_size(
                    names, program, size, device, effort, rates, flops_per_pixel, memory=memory, tell=steps.doing
                )
                result["rows"] += [row.as_dict() for row in rows]
                result["complete"] = size == sizes[-1] and not validation
                paths = _written(folder, result)
                steps.end()
            if validation:
                steps.begin(f"Dice on {len(validation)} validation images")
                result["accuracy"] = accuracy_of(names, program, validation, device, steps.doing)
                result["complete"] = True
                paths = _written(folder, result)
                steps.end()
    finally:  # interrupted too: what was measured is shown
        if result["rows"]:
            _show(console, result)
            say_written(console, paths)
    return result


def _written(folder: Path, result: Mapping[str, Any]) -> list[Path]:
    return write_result(folder, result, inference_document(result), result["rows"], "inference.csv")


def _show(console: Console, result: Mapping[str, Any]) -> None:
    for title, rows in by_size(result["rows"]):
        print_table(console, title, size_grid(rows), TERMINAL)
    if result["accuracy"]:
        print_table(console, ACCURACY_TITLE, accuracy_grid(result["accuracy"]))
    for remark in remarks(result):
        console.print(remark, markup=False, highlight=False)
    if not result["complete"]:
        console.print("[yellow]not complete: these are the sizes that were measured")
