"""Tables of results, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass


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
