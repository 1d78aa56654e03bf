"""A document's tables on the terminal."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from fundus_unet.comparison.document import Grid


def grid_table(title: str, grid: Grid, keep: Sequence[str] | None = None) -> Table:
    """A document's table for the terminal: all its columns, or those to `keep`, without Markdown's backticks."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    kept = [number for number, name in enumerate(grid.header) if keep is None or name in keep]
    for number in kept:
        table.add_column(grid.header[number], justify="right" if number else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*(row[number].replace("`", "") for number in kept))
    return table
