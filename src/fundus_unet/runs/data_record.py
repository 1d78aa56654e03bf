"""Which files a run learns from, by content, and with which settings: where they changed since, it is another run."""

import hashlib
import json
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes
from fundus_unet.data.case import Splits
from fundus_unet.runs.run_settings import differing

DATA = "data.json"
_FILES = ("image", "label", "mask")
_LARGEST = 2**31
_LARGEST_RECORD = 2**28

Record = dict[str, dict[str, dict[str, str]]]


def data_record(splits: Splits) -> Record:
    """SHA-256 of every file of training and validation: `{split: {case: {image, label, mask}}}`.

    Raises:
        InputError: Naming a file that cannot be read.
    """
    return {
        split: {
            case.name: {kind: _digest(path) for kind in _FILES if (path := getattr(case, kind)) is not None}
            for case in getattr(splits, split)
        }
        for split in ("train", "val")
    }


def check_data(folder: Path, record: Record, settings: dict[str, Any]) -> str | None:
    """Compare data and settings with those that the run in `folder` began with.

    Returns:
        Why they cannot be compared, for a run that has no record.

    Raises:
        InputError: Where they differ, or the record is damaged.
    """
    path = folder / DATA
    if not path.exists():
        return f"{path} is missing, so it is not known whether the data are those that the run began with"
    try:
        before = json.loads(read_bytes(path, _LARGEST_RECORD))
        changed = _changed(before, record)
        now = {"before": before["settings"], "now": json.loads(json.dumps(settings))}
        reset = [f"{key}: {values['before']} before, {values['now']} now" for key, values in differing(now).items()]
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged", expected="the file that training wrote", got=repr(error)[:200]
        ) from error
    if reset:
        raise InputError(
            f"the configuration of the run {folder} was changed since it began, so that it would not be the same run",
            got="; ".join(reset[:4]) + (f"; and {len(reset) - 4} more" if len(reset) > 4 else ""),
            fix="put config.yaml back as training wrote it; for other settings, start a new run",
        )
    if changed:
        raise InputError(
            f"the data changed since the run {folder} began, so that it would not be the same run",
            expected="the same files for training and validation, by content",
            got="; ".join(changed[:4]) + (f"; and {len(changed) - 4} more" if len(changed) > 4 else ""),
            fix="put the files back, or set paths.data_dir to where they are; for other data, start a new run",
        )
    return None


def _changed(before: Record, now: Record) -> list[str]:
    found = []
    for split in ("train", "val"):
        old, new = before[split], now[split]
        found += [f"{name} is no longer in {split}" for name in old.keys() - new.keys()]
        found += [f"{name} is new in {split}" for name in new.keys() - old.keys()]
        for name in old.keys() & new.keys():
            kinds = [kind for kind in _FILES if old[name].get(kind) != new[name].get(kind)]
            found += [f"the {kind} of {name} is another" for kind in kinds]
        if not found and list(old) != list(new):
            found.append(f"the images of {split} are in another order")
    return sorted(found)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_bytes(path, _LARGEST)).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", fix="check the file") from error
