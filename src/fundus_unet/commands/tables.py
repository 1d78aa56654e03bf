"""Score tables for the terminal."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from fundus_unet.comparison.document import Grid
from fundus_unet.inference.evaluation import NETWORK_VALIDATED

COLUMNS = {
    "dice": "Dice",
    "sensitivity": "sens.",
    "specificity": "spec.",
    "accuracy": "acc.",
    "mcc": "MCC",
    "auroc": "AUROC",
    "average_precision": "AP",
    "cldice": "clDice",
    "betti0_error": "Betti-0",
}
REGION_TITLES = {"field_of_view": "in the field of view", "whole_image": "whole image"}


def score_table(metrics: dict[str, Any], region: str, title: str) -> Table:
    """Raters as rows, pooled over pixels and as mean and standard deviation over images; scores as columns.

    Betti-0 is the error in the number of pieces, which has no pooled value.
    """
    table = Table(  # narrow enough for a terminal of 80 columns
        title=f"{title}, {REGION_TITLES[region]}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        padding=0,
    )
    table.add_column("", no_wrap=True)
    for name in COLUMNS.values():
        table.add_column(name, justify="right", no_wrap=True)
    for rater, summary in metrics[region].items():
        shown = f"at {summary['threshold']:.2f} (val.)" if rater == NETWORK_VALIDATED else rater
        over_images = summary["over_images"]
        table.add_row(shown, *(_number(name, summary["pooled"].get(name)) for name in COLUMNS), style="bold")
        for statistic, label in (("mean", "  mean (images)"), ("standard_deviation", "  st. dev.")):
            values = (_number(name, over_images.get(name, {}).get(statistic)) for name in COLUMNS)
            table.add_row(label, *values, end_section=statistic != "mean")
    return table


def grid_table(title: str, grid: Grid, keep: Sequence[str] | None = None) -> Table:
    """A document's table for the terminal: all its columns, or those to `keep`, without Markdown's backticks."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    kept = [number for number, name in enumerate(grid.header) if keep is None or name in keep]
    for number in kept:
        table.add_column(grid.header[number], justify="right" if number else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*(row[number].replace("`", "") for number in kept))
    return table


def _number(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if name == "betti0_error" else f"{value:.4f}"
