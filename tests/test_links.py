"""Links between the pages of the repository lead somewhere, headings included."""

import re
from pathlib import Path

import pytest

from running import ROOT

PAGES = sorted(
    (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("data/*.md"),
        *ROOT.glob("results/*.md"),
        *ROOT.glob("weights/*/*.md"),
    )
)


def links(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    inline = re.findall(r"\]\(([^)\s]+)\)", text)
    return [link for link in (*inline, *re.findall(r"^\[\w+\]: (\S+)$", text, re.MULTILINE)) if "://" not in link]


def anchors(page: Path) -> set[str]:
    """As a forge makes them of headings: lower case, spaces to hyphens, without other signs."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    missing = []
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    assert not missing
