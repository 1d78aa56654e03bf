"""Compare the speed of upsamplers under many conditions: speed.json, speed.md and speed.csv."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from fundus_unet.comparison.result import make_folder, new_result, say_written, write_result
from fundus_unet.comparison.speed.conditions import Conditions
from fundus_unet.comparison.speed.measure import Variants, compare_under
from fundus_unet.comparison.speed.roofline import matrix_product_rate
from fundus_unet.comparison.speed.tables import TERMINAL, by_conditions, remarks, speed_document, speed_grid
from fundus_unet.comparison.speed.timing import Effort
from fundus_unet.comparison.speed.workload import TrainingStep
from fundus_unet.comparison.steps import Steps
from fundus_unet.comparison.terminal import print_table


def compare_speed(
    conditions: Sequence[Conditions],
    variants: Variants,
    training: TrainingStep,
    effort: Effort,
    folder: Path,
    *,
    memory: bool,
    settings: Mapping[str, Any],
    console: Console,
) -> dict[str, Any]:
    """Measure every variant under all conditions; returns what speed.json holds.

    The files are written after every set of conditions, so that an interruption loses one at most.

    Args:
        memory: Whether peak memory is measured too.
        settings: Kept in the result.

    Raises:
        InputError: Where the folder cannot be made, before anything is measured.
    """
    make_folder(folder)
    result: dict[str, Any] = {
        **new_result("speed"),
        "complete": False,
        "settings": settings,
        "upsamplers": list(variants.build),
        "control": variants.control,
        "matrix_product_rate": [],
        "rows": [],
    }
    paths: list[Path] = []
    try:
        wanted = dict.fromkeys((each.device, each.dtype) for each in conditions)
        console.print(f"timing matrix products: {', '.join(map(' '.join, wanted))}", highlight=False)
        rates = {(device, dtype): matrix_product_rate(device, dtype) for device, dtype in wanted}
        result["matrix_product_rate"] = [asdict(rate) for rate in rates.values()]
        with Steps(console, len(conditions)) as steps:
            for number, each in enumerate(conditions, 1):
                steps.begin(each.describe())
                rate = rates[each.device, each.dtype]
                rows = compare_under(each, variants, training, effort, rate, memory=memory, tell=steps.doing)
                result["rows"] += [row.as_dict() for row in rows]
                result["complete"] = number == len(conditions)
                paths = write_result(folder, result, speed_document(result), result["rows"], "speed.csv")
                steps.end()
    finally:  # interrupted too: what was measured is shown
        if result["rows"]:
            _show(console, result)
            say_written(console, paths)
    return result


def _show(console: Console, result: Mapping[str, Any]) -> None:
    # whole networks, or single layers where no network was measured
    rows = [row for row in result["rows"] if row["level"] == "network"] or result["rows"]
    for title, group in by_conditions(rows):
        print_table(console, title, speed_grid(group), TERMINAL)
    for remark in remarks(result["rows"]):
        console.print(remark, markup=False, highlight=False)
    if not result["complete"]:
        console.print("[yellow]not complete: these are the conditions that were measured")
