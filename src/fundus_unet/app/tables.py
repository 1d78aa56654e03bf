"""Score tables for the terminal."""

from typing import Any

from rich.table import Table

COLUMNS = {
    "dice": "Dice",
    "sensitivity": "sens.",
    "specificity": "spec.",
    "accuracy": "acc.",
    "mcc": "MCC",
    "auroc": "AUROC",
    "average_precision": "AP",
}
REGION_TITLES = {"field_of_view": "in the field of view", "whole_image": "whole image"}


def score_table(metrics: dict[str, Any], region: str, title: str) -> Table:
    """Readers as rows, pooled and over images; scores as columns."""
    table = Table(title=f"{title}, {REGION_TITLES[region]}", title_justify="left")
    table.add_column("reader", no_wrap=True)
    table.add_column("over")
    for name in COLUMNS.values():
        table.add_column(name, justify="right", no_wrap=True)
    for reader, summary in metrics[region].items():
        shown = reader.replace("validation threshold", f"{summary['threshold']:.2f} (validation)")
        pooled, over_images = summary["pooled"], summary["over_images"]
        table.add_row(shown, "pixels", *(_number(pooled.get(name)) for name in COLUMNS))
        spreads = (_spread(over_images.get(name)) for name in COLUMNS)
        table.add_row("", "images", *spreads, end_section=True)
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _spread(value: dict[str, Any] | None) -> str:
    if not value or value["mean"] is None:
        return ""
    deviation = value["standard_deviation"]
    return f"{value['mean']:.3f}" + ("" if deviation is None else f" ±{deviation:.3f}")
