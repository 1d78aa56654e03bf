"""What the report says of checkerboards."""

from collections.abc import Mapping
from typing import Any

from fundus_unet.comparison.checkerboard.states import INIT, TRAINED
from fundus_unet.comparison.checkerboard.tables import LEVEL, short_values
from fundus_unet.comparison.report.table import Column, table

STATES = {INIT: "initial", TRAINED: "trained"}
MEASURES = (
    ("stage", "variance at the last upsampling (%)", "percent"),
    ("amplitude", "amplitude in the logits (% of their SD)", "percent"),
    ("level", "level in the logits (dB)", "decibels"),
    ("shift", "probability over sub-grid shifts (SD)", "probability"),
)


def checkerboard_facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """Four measures at period 2, means over seeds, at initialization and trained."""
    protocol, variants = result["protocol"], result["variants"]
    rows = [
        {"variant": variant}
        | {
            f"{measure}_{state}": value
            for state, measures in states.items()
            for measure, value in _values(measures).items()
        }
        for variant, states in variants.items()
    ]
    columns = [Column("variant", "variant", "text")] + [
        Column(f"{measure}_{state}", title, show, group)
        for measure, group, show in MEASURES
        for state, title in STATES.items()
    ]
    return {
        "table": table(columns, rows),
        "amplitudes": {
            state: {row["variant"]: value for row in rows if (value := row.get(f"amplitude_{state}")) is not None}
            for state in (INIT, TRAINED)
        },
        "images": len(protocol["images"]),
        "networks": _networks(variants),
        "planted": protocol["planted"],
    }


def _values(measures: Mapping[str, Any]) -> dict[str, float | None]:
    """A share of the variance is not less than 0, though its estimate can be."""
    found = short_values(measures)
    share, logits = (None if found[name] is None else max(float(found[name] or 0), 0.0) for name in ("stage", "output"))
    amplitude = None if logits is None else logits**0.5
    return {"stage": share, "amplitude": amplitude, "level": found[LEVEL], "shift": found["shift"]}


def _networks(variants: Mapping[str, Any]) -> str:
    """How many of a variant were measured."""
    counts = {
        len(measures["gain_imbalance"][next(iter(measures["gain_imbalance"]))]["per_seed"])
        for states in variants.values()
        for measures in states.values()
    }
    least, most = min(counts), max(counts)
    seeds = f"{most} seed{'' if most == 1 else 's'}"
    return seeds if least == most else f"{least} to {seeds}"
