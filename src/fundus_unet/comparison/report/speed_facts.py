"""What the report says of speed."""

from collections.abc import Mapping
from typing import Any

from fundus_unet.comparison.report.table import Column, table
from fundus_unet.comparison.speed.tables import SavedRow, rows_as_trained

MODES = {"inference": "inference", "training": "training step"}
"""And what is timed."""


def speed_facts(result: Mapping[str, Any], precision: str) -> dict[str, Any] | None:
    """Whole networks under the conditions most like a training in `precision`; None where none was timed.

    `ratios` has the median and the quartiles of the time over the control's, by mode and variant.
    """
    groups = {mode: group[1] for mode in MODES if (group := rows_as_trained(result, mode, precision))}
    if not groups:
        return None
    rows: dict[str, dict[str, Any]] = {}
    columns = [Column("variant", "variant", "text")]
    for mode, timed in groups.items():
        columns += [
            Column(f"{mode}_ms", "ms", "number", MODES[mode]),
            Column(f"{mode}_ratio", "ratio", "ratio", MODES[mode]),
            Column(f"{mode}_mb", "memory (MB)", "number", MODES[mode]),
        ]
        for row in timed:
            rows.setdefault(row["upsampler"], {"variant": row["upsampler"]}).update(
                {f"{mode}_ms": _scaled(row["median_seconds"], 1e3), f"{mode}_ratio": _ratio(row)}
                | {f"{mode}_mb": _scaled(row["accelerator_memory_bytes"] or row["process_memory_bytes"], 1e-6)}
            )
    return {
        "control": result["control"],
        "table": table(columns, list(rows.values())),
        "ratios": {
            mode: {row["upsampler"]: ratio for row in timed if (ratio := _ratio(row))} for mode, timed in groups.items()
        },
        "conditions": {MODES[mode]: _conditions(timed[0]) for mode, timed in groups.items()},
        "rounds": max((row["rounds"] or 0 for timed in groups.values() for row in timed), default=0),
        "not_timed": sorted(
            {f"{row['upsampler']}: {row['reason']}" for timed in groups.values() for row in timed if row["reason"]}
        ),
    }


def _ratio(row: SavedRow) -> list[float] | None:
    if row["ratio_to_control"] is None:
        return None
    return [row["ratio_to_control"], row["ratio_lower_quartile"], row["ratio_upper_quartile"]]


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _conditions(row: SavedRow) -> str:
    height, width = row["image_size"]
    layout = row["memory_format"].replace("_", " ")
    compiled = ", compiled" if row["compiled"] else ""
    return f"{row['batch_size']} × {height} × {width} px, {row['device']}, {row['dtype']}, {layout}{compiled}"
