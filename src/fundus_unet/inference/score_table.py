"""The scores of an evaluation as a table for the terminal."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from fundus_unet.inference.evaluation import NETWORK_VALIDATED
from fundus_unet.metrics.registry import METRICS

FITTING = 9
"""Columns of scores that fit a terminal of 80."""
REGION_TITLES = {"field_of_view": "in the field of view", "whole_image": "whole image"}


def score_tables(metrics: dict[str, Any], region: str, title: str) -> list[Table]:
    """All metrics, in as many tables as it takes to fit the terminal."""
    keys = list(METRICS)
    return [_table(metrics, region, title, keys[start : start + FITTING]) for start in range(0, len(keys), FITTING)]


def _table(metrics: dict[str, Any], region: str, title: str, keys: Sequence[str]) -> Table:
    """Raters as rows, pooled over pixels and as mean and standard deviation over images; metrics as columns.

    Args:
        metrics: As `Evaluation.metrics` gives them.
    """
    table = Table(  # narrow enough for a terminal of 80 columns
        title=f"{title}, {REGION_TITLES[region]}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    table.add_column("", no_wrap=True)
    for key in keys:
        table.add_column(METRICS[key].short, justify="right", no_wrap=True)
    for rater, summary in metrics[region].items():
        shown = f"at {summary['threshold']:.2f} (val.)" if rater == NETWORK_VALIDATED else rater
        pooled, over_images = summary["pooled"], summary["over_images"]
        table.add_row(shown, *(METRICS[key].format(pooled.get(key)) for key in keys), style="bold")
        for statistic, label in (("mean", "  mean (images)"), ("standard_deviation", "  st. dev.")):
            values = (METRICS[key].format(over_images.get(key, {}).get(statistic)) for key in keys)
            table.add_row(label, *values, end_section=statistic != "mean")
    return table
