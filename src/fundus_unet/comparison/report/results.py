"""The results of comparisons in a folder, as the comparisons wrote them."""

import json
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes

KINDS = {
    "accuracy": {"protocol", "control", "variants", "differences", "second_observer", "failures"},
    "speed": {"control", "rows"},
    "checkerboard": {"protocol", "variants"},
    "datasets": {"protocol", "networks", "sets", "cells", "second_observer", "failures"},
}
"""What each comparison's file must hold, beside what all of them hold."""
COMMON = {"command", "created", "environment"}
LARGEST_RESULT = 2**28


def results_in(folder: Path) -> dict[str, dict[str, Any]]:
    """What the comparisons wrote into the folder, by kind; those that were not made are left out.

    Raises:
        InputError: Where there is none, or one cannot be read.
    """
    results = {kind: _result(path, kind) for kind in KINDS if (path := folder / f"{kind}.json").is_file()}
    if not results:
        raise InputError(
            f"there is nothing to report in {folder}",
            expected=" or ".join(f"{kind}.json" for kind in KINDS),
            fix="first give fundus-unet compare accuracy, speed, checkerboard or datasets, with out_dir=" + str(folder),
        )
    return results


def _result(path: Path, kind: str) -> dict[str, Any]:
    again = f"give fundus-unet compare {kind} again, or delete the file"
    try:
        result = json.loads(read_bytes(path, LARGEST_RESULT))
        found = result.get("kind")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix=again) from error
    if found != kind:
        raise InputError(f"{path} is no result of fundus-unet compare {kind}", expected=f"kind: {kind}", got=found)
    missing = (KINDS[kind] | COMMON) - result.keys()
    if missing:
        raise InputError(f"{path} is incomplete", got=f"no {', '.join(sorted(missing))}", fix=again)
    return dict(result)
