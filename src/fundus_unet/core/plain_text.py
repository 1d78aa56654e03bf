"""Text that may come from anywhere, such as a file's name, made harmless where it is shown or kept in a table."""

import re
from collections.abc import Sequence

FEW = 4
# What moves a cursor, ends a line, turns the reading direction or is no character at all
_CONTROL = "[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
_LOOKS_ESCAPED = r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})"
_ESCAPED = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4}))")
_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")  # the last four are the same signs of full width


def printable(text: str) -> str:
    r"""One line without control characters: a line feed becomes `\x0a`, a byte that is no UTF-8 `\udcff`."""
    return re.sub(_CONTROL, _escape, text)


def some_of(texts: Sequence[str]) -> str:
    """The first few of several texts in one line, and how many more there are."""
    return printable("; ".join(texts[:FEW])) + (f"; and {len(texts) - FEW} more" if len(texts) > FEW else "")


def text_cell(text: str) -> str:
    """Text as a cell of a table: `printable`, and shown by spreadsheets instead of being calculated.

    Convention:
        a cell that would be a formula, or that begins with an apostrophe itself, gets an apostrophe in front.
    """
    cell = re.sub(f"{_CONTROL}|{_LOOKS_ESCAPED}", _escape, text)
    return f"'{cell}" if text.startswith((*_FORMULA, "'")) else cell


def text_of_cell(cell: str) -> str:
    """The text that `text_cell` made a cell of."""
    return _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), cell.removeprefix("'"))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
