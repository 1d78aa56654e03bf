"""The page, from one template and the report's facts; everything that comes from files is escaped."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from fundus_unet.comparison.report.formats import cell, listed


@dataclass(frozen=True)
class Picture:
    """A PNG file, its caption, and what a reader who does not see it should know; `folded`: shown on demand."""

    png: bytes
    caption: str
    alternative: str
    folded: bool = False


def render(report: Mapping[str, Any], pictures: Mapping[str, Sequence[Picture]]) -> str:
    """One page that refers to nothing outside itself.

    Args:
        report: What report.json holds.
        pictures: By the place where the template shows them; `prediction:IMAGE` are those of an image.
    """
    environment = Environment(
        loader=PackageLoader("fundus_unet.comparison.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": cell, "listed": listed, "data_uri": _data_uri, "breakable": _breakable}
    return environment.get_template("report.html.j2").render(report=report, pictures=pictures)


def _breakable(name: str) -> Markup:
    """Long names of variants may go on in the next line after an underscore."""
    return Markup("_<wbr>").join(escape(name).split("_"))


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
