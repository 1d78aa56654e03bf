"""Which images a run learned from and chose by, by content: no network may be scored on them as on new ones."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes
from fundus_unet.runs.ancestry import Ancestor, Inherited
from fundus_unet.runs.data_record import DATA, digests
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.run_directory import RunDirectory

LARGEST_RECORD = 2**28
SPLITS = ("train", "val")
NOT_RECORDED = "not recorded"


def recorded_images(folder: Path) -> frozenset[str] | None:
    """SHA-256 of every image that the record of a run names, those of the weights it began with among them.

    None where it has no record.

    Raises:
        InputError: Where the record is damaged.
    """
    found = _read(folder)
    return None if found is None else found[0]["train"] | found[0]["val"] | found[1].images


def ancestry(run: RunDirectory) -> Inherited:
    """What a run took over from the weights that it began with; raises as `recorded_images`."""
    found = _read(run.path)
    if found is not None:
        return found[1]
    start = run.config.get("start_from")
    if start is None:
        return Inherited()
    unknown = Ancestor(weights=Path(str(start)).name, data=NOT_RECORDED, fingerprint=NOT_RECORDED, recorded=False)
    return Inherited(ancestors=(unknown,))


def inherited_from(run: RunDirectory, fingerprint: str) -> Inherited:
    """What a run takes over that begins with the weights of another; raises as `recorded_images`.

    Args:
        run: The other.
        fingerprint: Of its weights.
    """
    found, before = _read(run.path), ancestry(run)
    own = Ancestor(
        weights=run.path.name,
        data=str(run.choices.get("data") or run.config.data.source._target_),
        fingerprint=fingerprint,
        recorded=found is not None,
    )
    splits = {split: frozenset[str]() for split in SPLITS} if found is None else found[0]
    trained = (before.images - before.only_chosen_by) | splits["train"]
    images = before.images | splits["train"] | splits["val"]
    return Inherited(images, images - trained, (*before.ancestors, own))


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


def _read(folder: Path) -> tuple[dict[str, frozenset[str]], Inherited] | None:
    """The images of each split, and what the run took over; None where there is no record."""
    path = folder / DATA
    if not path.exists():
        return None
    try:
        record = json.loads(read_bytes(path, LARGEST_RECORD))
        return _images(record), Inherited.of_record(record)
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged, so that it is not known which images the run learned from",
            expected="the file that training wrote",
            got=repr(error)[:200],
        ) from error


def _images(record: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    found = {split: frozenset(files["image"] for files in record[split].values()) for split in SPLITS}
    named = frozenset[str]().union(*found.values())
    if not named or not all(re.fullmatch("[0-9a-f]{64}", digest) for digest in named):
        raise ValueError("it names images by other than SHA-256")
    return found
