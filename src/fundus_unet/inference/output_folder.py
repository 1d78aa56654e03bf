"""What a folder of predictions says of itself: the settings that made it, and the files that are predict's."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes
from fundus_unet.inference.manifest import check_own_file

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
