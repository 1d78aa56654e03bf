"""What a measure says about one image, and about a network over images."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class MeasuredValue:
    """One measure at one place of one network, on one image.

    `value` is the measure as defined. `null` is what it gives on average where there is no grid, and `null_95` what it
    stays below in 95 of 100 such cases. `excess` is free of that bias: its mean is zero without a grid.
    `positive_control` is the excess after a grid of known size was planted into the same numbers. `reason` says why
    there is no value.
    """

    value: float | None = None
    null: float | None = None
    null_95: float | None = None
    excess: float | None = None
    positive_control: float | None = None
    reason: str | None = None


NUMBERS = ("value", "null", "null_95", "excess", "positive_control")

MeasuredValues = dict[str, dict[str, list[MeasuredValue]]]
"""`{measure: {place: one value per image}}`; measures of a module alone have a single one."""


def summarize(values: Sequence[MeasuredValue]) -> dict[str, Any]:
    """Means over images, the standard deviation of the value and the excess over images, and the values themselves.

    Convention:
        images without a value are left out; a standard deviation of fewer than two is None.
    """
    means = {name: _mean(_defined(values, name)) for name in NUMBERS}
    spreads = {f"{name}_sd_over_images": _spread(_defined(values, name)) for name in ("value", "excess")}
    reasons = sorted({one.reason for one in values if one.reason})
    return {
        **means,
        **spreads,
        "images": len(_defined(values, "value")),
        "reason": "; ".join(reasons) or None,
        "per_image": [asdict(one) for one in values],
    }


def summarize_seeds(per_seed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over seeds of what `summarize` gave for each, with the seeds' own summaries."""
    means = {name: _mean([one[name] for one in per_seed if one[name] is not None]) for name in NUMBERS}
    return {
        "mean": means["value"],
        "sd_over_seeds": _spread([one["value"] for one in per_seed if one["value"] is not None]),
        "null": means["null"],
        "null_95": means["null_95"],
        "excess": means["excess"],
        "excess_sd_over_seeds": _spread([one["excess"] for one in per_seed if one["excess"] is not None]),
        "positive_control": means["positive_control"],
        "reason": next((one["reason"] for one in per_seed if one["reason"]), None),
        "per_seed": list(per_seed),
    }


def _defined(values: Sequence[MeasuredValue], name: str) -> list[float]:
    return [number for one in values if (number := getattr(one, name)) is not None]


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _spread(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
