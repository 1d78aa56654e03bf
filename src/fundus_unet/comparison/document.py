"""A document of a few kinds of blocks, written as one self-contained HTML page or as Markdown."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich import box
from rich.table import Table

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; color: #1a1a1a; background: #fff;
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
h2, h1 { border-bottom: 1px solid #ddd; padding-bottom: .25rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .6rem; text-align: right; border-bottom: 1px solid #e3e3e3; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } thead th { border-bottom: 2px solid #888; }
figure { margin: 1.2rem 0; } img { max-width: 100%; height: auto; }
figcaption, .note { font-size: .88rem; color: #444; }
.conclusions { background: #eef4fb; border-left: 5px solid #0072b2; padding: .7rem 1.1rem; }
.conclusions p { margin: .45rem 0; }
code, pre { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .86em; }
pre { background: #f5f5f5; padding: .7rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
details summary { cursor: pointer; font-weight: 600; margin: .6rem 0; }
@media print { html { font-size: 11px; } body { max-width: none; margin: 0; font-size: 11px; }
  table { font-size: 8.5px; } th, td { white-space: normal; padding: .15rem .3rem; } h2 { break-after: avoid; }
  figure, table, .conclusions { break-inside: avoid; } img { max-height: 23cm; } }
"""


@dataclass(frozen=True)
class Heading:
    """Of a section."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """Plain text; `code` in backticks, **strong** in double stars."""

    text: str


@dataclass(frozen=True)
class Conclusions:
    """The paragraphs to read if nothing else is read."""

    texts: Sequence[str]


@dataclass(frozen=True)
class Grid:
    """A table: the first column to the left, the others to the right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Figure:
    """A PNG file, its caption, and what a reader who does not see it should know."""

    path: Path
    caption: str
    alternative: str


@dataclass(frozen=True)
class Code:
    """Text as it is, such as commands."""

    text: str


@dataclass(frozen=True)
class Folded:
    """Blocks that are shown on demand (in HTML; Markdown shows them)."""

    title: str
    blocks: Sequence["Block"]


Block = Heading | Paragraph | Conclusions | Grid | Figure | Code | Folded


@dataclass
class Document:
    """A title and what follows."""

    title: str
    blocks: list[Block] = field(default_factory=list)

    def to_html(self) -> str:
        """One page that refers to nothing outside itself: figures are embedded."""
        body = "\n".join(map(_html, self.blocks))
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<link rel="icon" href="data:,">\n'
            f"<title>{html.escape(self.title)}</title>\n<style>{STYLE}</style>\n</head>\n"
            f"<body>\n<h1>{html.escape(self.title)}</h1>\n{body}\n</body>\n</html>\n"
        )

    def to_markdown(self, folder: Path) -> str:
        """Markdown whose figures are files, referred to relative to `folder`."""
        parts = [f"# {self.title}", *(_markdown(block, folder) for block in self.blocks)]
        return "\n\n".join(parts) + "\n"


def _html(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Paragraph(text):
            return f"<p>{_inline(text)}</p>"
        case Conclusions(texts):
            return '<div class="conclusions">' + "".join(f"<p>{_inline(text)}</p>" for text in texts) + "</div>"
        case Grid(header, rows):
            head = "".join(f"<th>{_inline(cell)}</th>" for cell in header)
            body = "".join("<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in rows)
            return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        case Figure(path, caption, alternative):
            data = base64.b64encode(path.read_bytes()).decode()
            return (
                f'<figure><img alt="{html.escape(alternative)}" src="data:image/png;base64,{data}">'
                f"<figcaption>{_inline(caption)}</figcaption></figure>"
            )
        case Code(text):
            return f"<pre>{html.escape(text)}</pre>"
        case Folded(title, blocks):
            inside = "\n".join(map(_html, blocks))
            return f"<details><summary>{html.escape(title)}</summary>\n{inside}\n</details>"


def _markdown(block: Block, folder: Path) -> str:
    match block:
        case Heading(text):
            return f"## {text}"
        case Paragraph(text):
            return text
        case Conclusions(texts):
            return "\n>\n".join(f"> {text}" for text in texts)
        case Grid(header, rows):
            lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
            return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        case Figure(path, caption, alternative):
            return f"![{alternative}]({path.relative_to(folder).as_posix()})\n\n*{caption}*"
        case Code(text):
            return f"```\n{text}\n```"
        case Folded(title, blocks):
            return "\n\n".join([f"**{title}**", *(_markdown(inner, folder) for inner in blocks)])


def _inline(text: str) -> str:
    """Escaped text with `code` and **strong** as elements."""
    pieces = html.escape(text).split("`")
    joined = "".join(f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces))
    pieces = joined.split("**")
    return "".join(f"<strong>{piece}</strong>" if number % 2 else piece for number, piece in enumerate(pieces))


def terminal_table(title: str, grid: Grid, keep: Sequence[str] | None = None) -> Table:
    """A document's table for the terminal: all its columns, or those to `keep`, without Markdown's backticks."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    kept = [number for number, name in enumerate(grid.header) if keep is None or name in keep]
    for number in kept:
        table.add_column(grid.header[number], justify="right" if number else "left", overflow="fold")
    for row in grid.rows:
        table.add_row(*(row[number].replace("`", "") for number in kept))
    return table
