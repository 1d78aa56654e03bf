"""Which files a run learns from and is tested on, by content, and with which settings; and what changed since."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import read_bytes
from fundus_unet.core.plain_text import some_of
from fundus_unet.data.case import Case, Splits
from fundus_unet.runs.ancestry import Inherited
from fundus_unet.runs.run_settings import differing

DATA = "data.json"
SHA256 = "sha256"
FAULTS = "faults"
CHANGED = "the data changed since the run was trained"
_LEARNED = ("train", "val")
_FILES = dict.fromkeys(_LEARNED, ("image", "label", "mask")) | {"test": ("image", "label", "mask", "second_label")}
_LARGEST = 2**31
_LARGEST_RECORD = 2**28

Files = dict[str, dict[str, str]]
Record = dict[str, Files]


def data_record(splits: Splits) -> dict[str, Any]:
    """SHA-256 of every file of every split: `{split: {case: {image, label, mask}}}`, of test `second_label` too.

    And under `sha256` one of all that is learned from and chosen by: runs that share it were trained on the same data.

    Raises:
        InputError: Naming a file that cannot be read.
    """
    record = {split: digests(getattr(splits, split), split) for split in _FILES}
    return {SHA256: identity(record)} | record


def digests(cases: Sequence[Case], split: str) -> Files:
    """SHA-256 of every file that belongs to the cases of a split; raises as `data_record`."""
    return {
        case.name: {kind: _digest(path) for kind in _FILES[split] if (path := getattr(case, kind)) is not None}
        for case in cases
    }


def identity(record: Record) -> str:
    """One SHA-256 for the files of training and validation, their names and their order."""
    learned = [[split, name, sorted(files.items())] for split in _LEARNED for name, files in record[split].items()]
    return hashlib.sha256(json.dumps(learned).encode()).hexdigest()


def since_training(folder: Path, split: str, now: Files, *, own: bool) -> list[str]:
    """What is told of the files that a run is evaluated on.

    Args:
        folder: The run's.
        now: The digests of the files.
        own: Whether they are a split of the run's own data.

    Returns:
        Sentences: faults of the data that it was trained with nevertheless, which files are others than then, and
        which images it learned from.
    """
    try:
        before: dict[str, Any] = json.loads(read_bytes(folder / DATA, _LARGEST_RECORD))
        faults = [str(fault) for fault in before.get(FAULTS, [])]
        found = [f"trained although the check of the data found what is wrong: {some_of(faults)}"] if faults else []
        if own and split in before:  # earlier versions recorded no test images
            changed = _changed_files(before[split], now, split)
            if changed:
                found.append(f"{CHANGED}: {some_of(changed)}")
        seen = _images(before)
        if not (own and split in _LEARNED):
            learned = [name for name, files in now.items() if files["image"] in seen]
            if learned:
                found.append(
                    f"{len(learned)} of {len(now)} images are among those that the run was trained on or chosen by, so "
                    f"that its scores are too good: {some_of(learned)}"
                )
        return found + of_ancestors(before, split, now, own=own)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        return [f"{folder / DATA} is damaged, so that it is not known whether the data changed: {error!r:.200}"]


def of_ancestors(record: Mapping[str, Any], split: str, files: Files, *, own: bool) -> list[str]:
    """What is told of files because of the weights that a run began with; as `since_training`.

    Args:
        record: The run's.
    """
    if own and split == "train":
        return []  # it learns from them anyway
    inherited = Inherited.of_record(record)
    # images that choose the run's checkpoint may have chosen an earlier one too
    known = inherited.only_chosen_by if own and split == "val" else _images(record)
    return inherited.remarks({name: kinds["image"] for name, kinds in files.items()}, known)


def check_data(folder: Path, record: Record, settings: dict[str, Any]) -> str | None:
    """Compare data and settings with those that the run in `folder` began with.

    Returns:
        What is to be told: that nothing is known, for a run that has no record; or which test files changed.

    Raises:
        InputError: Where they differ, or the record is damaged.
    """
    path = folder / DATA
    if not path.exists():
        return f"{path} is missing, so it is not known whether the data are those that the run began with"
    try:
        before = json.loads(read_bytes(path, _LARGEST_RECORD))
        changed = [item for split in _LEARNED for item in _changed_files(before[split], record[split], split)]
        tested = _changed_files(before["test"], record["test"], "test") if "test" in before else []
        now = {"before": before["settings"], "now": json.loads(json.dumps(settings))}
        reset = [f"{key}: {values['before']} before, {values['now']} now" for key, values in differing(now).items()]
    except (OSError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise InputError(
            f"{path} is damaged", expected="the file that training wrote", got=repr(error)[:200]
        ) from error
    if reset:
        raise InputError(
            f"the configuration of the run {folder} was changed since it began, so that it would not be the same run",
            got=some_of(reset),
            fix="put config.yaml back as training wrote it; for other settings, start a new run",
        )
    if changed:
        raise InputError(
            f"the data changed since the run {folder} began, so that it would not be the same run",
            expected="the same files for training and validation, by content",
            got=some_of(changed),
            fix="put the files back, or set paths.data_dir to where they are; for other data, start a new run",
        )
    return f"the test images changed since the run began: {some_of(tested)}" if tested else None


def _images(record: Mapping[str, Any]) -> frozenset[str]:
    """SHA-256 of those that the run itself learns from and is chosen by."""
    return frozenset(files["image"] for split in _LEARNED for files in record[split].values())


def _changed_files(old: Files, new: Files, split: str) -> list[str]:
    found = [f"{name} is no longer in {split}" for name in old.keys() - new.keys()]
    found += [f"{name} is new in {split}" for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        kinds = [kind for kind in _FILES[split] if old[name].get(kind) != new[name].get(kind)]
        found += [f"the {kind.replace('_', ' ')} of {name} is another" for kind in kinds]
    if not found and list(old) != list(new):
        found.append(f"the images of {split} are in another order")
    return sorted(found)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(read_bytes(path, _LARGEST)).hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", fix="check the file") from error
