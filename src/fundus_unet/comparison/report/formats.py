"""How numbers are written on the page and in the answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fundus_unet.metrics.registry import METRICS

NOTHING = "–"
MINUS = "−"


def score(metric: str, value: Mapping[str, float | None]) -> str:
    """A score with its standard deviation over seeds, where it has one."""
    mean, deviation = (METRICS[metric].format(value[key]) for key in ("mean", "standard_deviation"))
    return mean + (f" ± {deviation}" if deviation else "") or NOTHING


def signed(metric: str, value: float) -> str:
    """A difference of two scores, with its sign."""
    text = f"{value:+.{METRICS[metric].digits}f}"
    return text.replace("-", MINUS)


def interval(metric: str, ends: Sequence[float]) -> str:
    """Both ends of an interval of a difference."""
    low, high = ends
    return f"{signed(metric, low)} to {signed(metric, high)}"


def ratio(value: float) -> str:
    """Of two times."""
    return f"{value:.2f}"


def ratio_with_quartiles(value: Sequence[float]) -> str:
    """Median and, in parentheses, quartiles of a ratio of two times."""
    median, lower, upper = map(ratio, value)
    return f"{median} ({lower} to {upper})"


def percent(share: float) -> str:
    """Two digits."""
    value = 100 * share
    if value < 0.01:
        return "< 0.01 %"
    return f"{value:.2g} %" if value < 10 else f"{value:.0f} %"


def three_digits(value: float) -> str:
    """Or a little more."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


FORMATS: Mapping[str, Callable[[Any], str]] = {
    "text": str,
    "count": lambda value: f"{value:,}",
    "number": three_digits,
    "ratio": ratio_with_quartiles,
    "percent": lambda share: percent(share).removesuffix(" %"),
    "decibels": lambda value: f"{value:.1f}".replace("-", MINUS),
    "probability": lambda value: f"{value:.4f}",
}
"""By the name that a column of a table gives; `score:METRIC` stands for the scores of a metric."""


def cell(value: Any, show: str) -> str:
    """A cell of a table."""
    if value is None:
        return NOTHING
    name, _, metric = show.partition(":")
    return score(metric, value) if name == "score" else FORMATS[name](value)


def listed(items: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, end = items
    return f"{', '.join(first)} {last} {end}" if first else end
