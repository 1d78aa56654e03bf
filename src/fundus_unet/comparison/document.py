"""Tables of results, as Markdown and on the terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table


@dataclass(frozen=True)
class Grid:
    """A table: the first column to the left, the others to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


Document = Sequence[str | Grid]
"""Paragraphs and headings as Markdown has them, and tables, in order."""


def to_markdown(document: Document) -> str:
    """The text of a Markdown file."""
    parts = (part if isinstance(part, str) else _markdown_table(part) for part in document)
    return "\n\n".join(parts) + "\n"


def _markdown_table(grid: Grid) -> str:
    lines = [grid.header, ["---", *["---:"] * (len(grid.header) - 1)], *grid.rows]
    return "\n".join("| " + " | ".join(map(_markdown_cell, line)) + " |" for line in lines)


def _markdown_cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def terminal_table(title: str, grid: Grid, keep: Sequence[str] | None = None) -> Table:
    """A table for the terminal: all its columns, or those to `keep`, without Markdown's backticks."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    kept = [number for number, name in enumerate(grid.header) if keep is None or name in keep]
    for number in kept:
        table.add_column(grid.header[number], justify="right" if number else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*(row[number].replace("`", "") for number in kept))
    return table
