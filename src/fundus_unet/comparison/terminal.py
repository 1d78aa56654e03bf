"""A result's tables on the terminal, as wide as it is and no wider; names and numbers stay whole."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from fundus_unet.comparison.document import Grid

GAPS = (2, 1)
"""Spaces between columns, the first that fit."""


def print_table(console: Console, title: str, grid: Grid, keep: Sequence[str] | None = None) -> None:
    """Print a table: all its columns, or those to `keep` in that order, without empty ones.

    Rows of one name, the first column, follow each other; an empty name is that of the row before. Where the names do
    not fit beside the numbers, each stands on a line of its own.
    """
    lines = _lines(_columns(grid, keep or grid.header), console.width)
    console.print(Text(f"\n{title}\n", style="bold"), Text("\n".join(lines)), sep="", soft_wrap=True)


def _columns(grid: Grid, keep: Sequence[str]) -> list[list[str]]:
    """Header and cells of every column that holds something."""
    columns = []
    for name in keep:
        number = list(grid.header).index(name)
        cells = [row[number].replace("`", "") for row in grid.rows]
        if any(cells):
            columns.append([name, *cells])
    names = columns[0]
    for row in range(1, len(names)):
        names[row] = names[row] or names[row - 1]
    order = [0, *sorted(range(1, len(names)), key=lambda row: names.index(names[row], 1))]
    return [[column[row] for row in order] for column in columns]


def _lines(columns: list[list[str]], width: int) -> list[str]:
    names, *others = columns
    rows = list(zip(*map(_padded, others), strict=True))
    widest = max(map(len, names))
    fitting = (gap for gap in GAPS if widest + gap + len((" " * gap).join(rows[0])) <= width)
    beside = next(fitting, None)
    lines = []
    for number, (name, cells) in enumerate(zip(names, rows, strict=True)):
        shown = "" if number > 1 and name == names[number - 1] else name
        if beside is not None:
            lines.append(f"{shown:{widest + beside}}" + (" " * beside).join(cells))
        else:
            lines += [shown] * bool(shown) + ["  " + "  ".join(cells)]
        if number == 0:
            lines.append("─" * min(width, len(lines[-1])))
    return [line.rstrip() for line in lines]


def _padded(column: list[str]) -> list[str]:
    """Numbers to the right, words to the left; the header as its cells."""
    widest = max(map(len, column))
    left = not any(cell[-1:].isdigit() for cell in column[1:])
    return [f"{cell:{'<' if left else '>'}{widest}}" for cell in column]
