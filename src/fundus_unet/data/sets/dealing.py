"""Deal images out into training, validation and test by fractions, a function of names alone."""

import hashlib
from collections.abc import Mapping

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import SplitNames


def deal_out(
    names: tuple[str, ...],
    val_fraction: float,
    test_fraction: float,
    seed: int,
    subjects: Mapping[str, str | None] | None = None,
) -> SplitNames:
    """Deal names out in a shuffled order that depends on the seed and the names alone, on every machine and version.

    Validation and test get at least one name each; with `test_fraction` 0 test stays empty.

    Args:
        subjects: The person that an image shows: all images of one go to the same part, so that parts may be larger
            than their fractions by some images. None: nobody else's.

    Raises:
        InputError: Where nothing would be left to learn from.
    """
    tested = max(1, round(len(names) * test_fraction)) if test_fraction else 0
    chosen = max(1, round(len(names) * val_fraction))
    members: dict[str, list[str]] = {}
    for name in names:
        subject = subjects.get(name) if subjects else None
        members.setdefault(name if subject is None else f"subject {subject}", []).append(name)
    rest = sorted(members, key=lambda unit: _shuffled(unit, seed))
    parts = []
    for wanted in (tested, chosen):
        part: list[str] = []
        while rest and len(part) < wanted:
            part += members[rest.pop(0)]
        parts.append(part)
    test, val = parts
    if not rest or len(test) < tested or len(val) < chosen:
        persons = len(members) < len(names)
        raise InputError(
            f"{len(names)} images are too few to deal out",
            expected=f"more than {tested + chosen}: at least one each to learn from, to validate"
            + (" and to test" if tested else ""),
            got=f"{len(names)} with val_fraction={val_fraction} and test_fraction={test_fraction}"
            + (f", of {len(members)} persons" if persons else ""),
            fix="add images with labels, or lower the fractions",
        )
    train = [name for unit in rest for name in members[unit]]
    return SplitNames(tuple(sorted(train)), tuple(sorted(val)), tuple(sorted(test)))


def _shuffled(unit: str, seed: int) -> bytes:
    # the name of a file may hold bytes that are no text
    return hashlib.sha256(f"{seed}:{unit}".encode(errors="backslashreplace")).digest()
