"""Text from anywhere is shown on one line, obeyed by nobody, and comes back from a table as it was."""

import csv
import random

import pytest

from fundus_unet.core.plain_text import printable, text_cell, text_of_cell

NAMES = {
    "plain é漢.png": "plain é漢.png",
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\\x09=1",
    "\r=1": "'\\x0d=1",
    "\uff1d1": "'\uff1d1",
    "'quoted": "''quoted",
    "'=1": "''=1",
    "a\rb\nc": "a\\x0db\\x0ac",
    "\x1b[31mred\x07\x9b": "\\x1b[31mred\\x07\\x9b",
    "right \u202e to left": "right \\u202e to left",
    "\udcff": "\\udcff",
    "C:\\images\\a.png": "C:\\images\\a.png",
    "literally \\x0a": "literally \\x5cx0a",
}


@pytest.mark.parametrize(("text", "cell"), NAMES.items(), ids=map(ascii, NAMES))
def test_cells(text: str, cell: str) -> None:
    assert text_cell(text) == cell
    assert text_of_cell(cell) == text
    assert next(csv.reader([cell])) == [cell]


def test_every_text_comes_back() -> None:
    draw = random.Random(0)
    for _ in range(20_000):
        text = "".join(draw.choice("\\xu0af'=-\n\udcff5c") for _ in range(draw.randrange(9)))
        assert text_of_cell(text_cell(text)) == text


def test_printable_text_is_one_line_of_utf8() -> None:
    assert printable("a\nb\udce9\x1b[2J \\x0a é") == "a\\x0ab\\udce9\\x1b[2J \\x0a é"
    every = printable("".join(map(chr, range(0x3000))) + "\ud800")
    every.encode()
    assert len(every.splitlines()) == 1
