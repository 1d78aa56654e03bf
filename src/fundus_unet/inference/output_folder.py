"""What a folder of predictions says of itself: the settings that made it, and the files that are predict's."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes
from fundus_unet.inference.inputs import output_name
from fundus_unet.inference.manifest import check_own_file
from fundus_unet.inference.outputs import ENDINGS, Outputs
from fundus_unet.inference.record import ERROR, Record

SETTINGS = "settings.json"
_ALWAYS_THERE = {"model", "weights", "threshold"}
_LARGEST = 2**20


def read_settings(path: Path) -> dict[str, Any] | None:
    """What predict wrote there, or None where there is nothing.

    Raises:
        InputError: For a file of that name that predict did not write; `OSError` where it cannot be read.
    """
    check_own_file(path)
    if not os.path.lexists(path):
        return None
    data = read_bytes(path, _LARGEST)
    try:
        settings = json.loads(data)
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict) or not settings.keys() >= _ALWAYS_THERE:
        raise InputError(
            f"{path} is of another program; it was not changed",
            expected="the settings that predict wrote, or no such file",
            got=f"{len(data)} bytes that begin with {data[:40]!r}",
            fix="move it elsewhere, or choose another out_dir",
        )
    return settings


def fingerprint(identity: dict[str, Any]) -> str:
    """Equal for equal settings."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def adopt(outputs: Outputs, records: Iterable[Record], settings: dict[str, Any]) -> None:
    """Take a folder from before there was a manifest for predict's own: the table's rows tell what was made."""
    if outputs.manifest.is_empty:
        made = (PurePath(record.image) for record in records if record.image and record.status != ERROR)
        files = {path for image in made for path in _outputs_of(image, outputs)}
        outputs.manifest.adopt(sorted(files), fingerprint(settings))


def _outputs_of(image: PurePath, outputs: Outputs) -> Iterator[Path]:
    """The table does not tell which of an image's folders its outputs kept, so all are looked for."""
    parts = [part for part in image.parts if part not in (image.anchor, "..")]
    for kind in ENDINGS:
        for first in range(len(parts)):
            path = outputs.path(kind, output_name(PurePath(*parts[first:])))
            if os.path.isfile(path) and not os.path.islink(path) and outputs.is_inside(path.parent):
                yield path
