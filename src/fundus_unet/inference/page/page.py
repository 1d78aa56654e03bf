"""One HTML file that needs nothing but the images beside it."""

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_bytes
from fundus_unet.core.plain_text import printable
from fundus_unet.core.real_paths import RealPaths
from fundus_unet.inference.manifest import Manifest
from fundus_unet.inference.outputs import ALL_ENDINGS
from fundus_unet.inference.page.links import link_below, link_to_image
from fundus_unet.inference.page.selection import Selection
from fundus_unet.inference.record import ERROR, Record

PAGE = "index.html"
_KINDS = tuple(ALL_ENDINGS)


@dataclass
class _Made:
    """What predict has made of an image: its whole path, the name of its outputs, and which there are."""

    image: str
    name: str = ""
    kinds: set[str] = field(default_factory=set)


class Page:
    """`index.html` in a folder of predictions, written anew after every batch and never in place of another file.

    Args:
        manifest: Of the folder; what it says was made is linked, nothing is embedded.
        about: What all images were predicted with, as shown at the top.
    """

    def __init__(self, manifest: Manifest, about: Mapping[str, Any]) -> None:
        self.path = manifest.folder / PAGE
        self._manifest = manifest
        self._about = about

    def check(self) -> None:
        """Raise `InputError` where a file of its name is not predict's, or has been changed since."""
        if os.path.lexists(self.path) and not self._manifest.owns(self.path):
            raise InputError(
                f"{self.path} was not made by predict, or has been changed since; it was not replaced",
                fix="move it elsewhere, choose another out_dir, or set page=false",
            )

    def write(self, selection: Selection) -> None:
        """Write the page of the rows that are selected.

        Raises:
            InputError: As `check`; `OSError` where it cannot be written.
        """
        self.check()
        content = self._html(selection).encode()
        self._manifest.claim([(self.path, {self.path: content})])
        write_bytes(self.path, content)

    def _html(self, selection: Selection) -> str:
        rows = selection.rows()
        made = self._made_of(rows)
        folder = os.path.realpath(self._manifest.folder)
        data = {
            "about": [[key, str(value)] for key, value in self._about.items()],
            "total": selection.total,
            "counts": selection.counts,
            "kinds": [[kind, ALL_ENDINGS[kind]] for kind in _KINDS],
            "rows": [_row(record, made[record.image], folder) for record in rows],
        }
        script, style = _asset("page.js"), _asset("page.css")
        parts = {
            "SCRIPT_HASH": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            "STYLE": style,
            "SCRIPT": script,
            "DATA": _inside_script(data),
        }
        pieces = _asset("page.html").split("%%")  # text, name of a part, text, ...
        return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))

    def _made_of(self, rows: Sequence[Record]) -> dict[str, _Made]:
        """By the rows' images; the manifest is read once, and only what belongs to them is kept."""
        real = RealPaths()
        by_path: dict[str, _Made] = {}
        made = {}
        for record in rows:
            path = _absolute(record.image, real)
            made[record.image] = by_path.setdefault(path, _Made(path))
        # rows of a batch that was started in another folder, from where their paths led elsewhere
        tails = {image: one for image, one in made.items() if not os.path.lexists(one.image)}
        for claim in self._manifest.claims():
            one, (kind, _, place) = by_path.get(claim.image), claim.file.partition("/")
            if one is None and tails:
                one = next(filter(None, map(tails.get, _tails(claim.image))), None)
                if one is not None:
                    one.image, by_path[claim.image] = claim.image, one
            if one is not None and kind in ALL_ENDINGS:
                one.name = place.removesuffix(ALL_ENDINGS[kind])
                one.kinds.add(kind)
        return made


def _tails(path: str) -> Iterator[str]:
    """`b/c` and `c` for `/a/b/c`, as somebody in a folder on the way would name it."""
    parts = path.split(os.sep)
    return (os.sep.join(parts[start:]) for start in range(1, len(parts)))


def _absolute(image: str, real: RealPaths) -> str:
    try:
        return real(image)
    except (OSError, ValueError):  # a path with a zero in it
        return os.path.abspath(image)


def _row(record: Record, made: _Made, folder: str) -> list[Any]:
    """In the order that the script knows. What there is of an image that failed is of an earlier batch."""
    kinds = set() if record.status == ERROR else made.kinds
    return [
        printable(record.image),
        link_to_image(made.image, folder),
        link_below(made.name),
        sum(1 << index for index, kind in enumerate(_KINDS) if kind in kinds),
        record.status,
        record.width,
        record.height,
        record.vessel_fraction,
        record.vessel_length_px,
        record.vessel_length_per_fov_diameter,
        record.message or "",
    ]


def _inside_script(value: Any) -> str:
    """JSON that ends no script element, whatever names are in it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def _asset(name: str) -> str:
    return files("fundus_unet.inference.page").joinpath(name).read_text(encoding="utf-8")
