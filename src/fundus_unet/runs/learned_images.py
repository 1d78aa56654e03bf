"""Which images a run learned from and chose by, by content: no network may be scored on them as on new ones."""

import json
import re
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes
from fundus_unet.runs.data_record import DATA, digests
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.run_directory import RunDirectory

LARGEST_RECORD = 2**28
SPLITS = ("train", "val")


def recorded_images(folder: Path) -> frozenset[str] | None:
    """SHA-256 of every image that the record of a run names; None where it has no record.

    Raises:
        InputError: Where the record is damaged.
    """
    path = folder / DATA
    if not path.exists():
        return None
    try:
        record = json.loads(read_bytes(path, LARGEST_RECORD))
        found = frozenset(files["image"] for split in SPLITS for files in record[split].values())
        if not found or not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in found):
            raise ValueError("it names images by other than SHA-256")
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged, so that it is not known which images the run learned from",
            expected="the file that training wrote",
            got=repr(error)[:200],
        ) from error
    return found


def images_named_now(run: RunDirectory) -> frozenset[str]:
    """For a run without a record: SHA-256 of the images that its configuration names, as they are today.

    Raises:
        InputError: Where they are not there.
    """
    try:
        splits = splits_of(run.config.data, trusted=False)
        return frozenset(
            files["image"] for split in SPLITS for files in digests(getattr(splits, split), split).values()
        )
    except InputError as error:
        raise InputError(
            f"it is not known which images the run {run.path} learned from: it has no record, and its data set cannot "
            f"be read: {error.problem}",
            fix="give paths.data_dir, where its training images are",
        ) from error
