"""A document keeps its content in both formats, and its page needs nothing from outside."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fundus_unet.comparison.document import Code, Conclusions, Document, Figure, Folded, Grid, Heading, Paragraph

VOID = {"meta", "link", "img", "br"}


class Balance(HTMLParser):
    """Every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        self.text += data


@pytest.fixture
def document(tmp_path: Path) -> Document:
    picture = tmp_path / "figures" / "one.png"
    picture.parent.mkdir()
    Image.fromarray(np.zeros((2, 3), np.uint8)).save(picture)
    blocks = [
        Conclusions(["first `code` & <b>", "second **strong**"]),
        Heading("What < was"),
        Paragraph('a "quoted" paragraph'),
        Grid(["variant", "Dice"], [["`k4`", "0.8 ± 0.1"], ["k<3", "0.7"]]),
        Figure(picture, "a caption", 'what "it" shows'),
        Folded("Protocol", [Code("python x.py a=<b>"), Paragraph("inside")]),
    ]
    return Document("A & B", blocks)


def test_html_is_well_formed_escaped_and_complete(document: Document) -> None:
    page = document.to_html()
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    for text in ("first code & <b>", "What < was", "k<3", "0.8 ± 0.1", "python x.py a=<b>", "inside", "a caption"):
        assert text in parser.text
    assert "<code>code</code>" in page
    assert "<strong>strong</strong>" in page
    assert 'alt="what &quot;it&quot; shows"' in page


def test_html_refers_to_nothing_outside_itself(document: Document) -> None:
    page = document.to_html()
    references = re.findall(r'(?:src|href|srcset|action|data)\s*=\s*"([^"]*)"', page) + re.findall(
        r"url\(([^)]*)", page
    )
    assert references
    assert all(reference.startswith("data:") for reference in references)
    assert "<script" not in page
    assert "@import" not in page


def test_markdown(document: Document, tmp_path: Path) -> None:
    text = document.to_markdown(tmp_path)
    assert text.startswith("# A & B\n\n> first `code` & <b>\n>\n> second **strong**\n\n## What < was\n")
    assert "| variant | Dice |\n| --- | ---: |\n| `k4` | 0.8 ± 0.1 |" in text
    assert '![what "it" shows](figures/one.png)\n\n*a caption*' in text
    assert "**Protocol**\n\n```\npython x.py a=<b>\n```\n\ninside" in text


def test_a_missing_figure_is_an_error_not_a_hole(document: Document) -> None:
    next(block for block in document.blocks if isinstance(block, Figure)).path.unlink()
    with pytest.raises(FileNotFoundError):
        document.to_html()
