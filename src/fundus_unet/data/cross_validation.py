"""Cross-validation: every image is tested once, by a network that saw no image of the same person."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, SplitNames, Splits

VALIDATION_PARTS = 6
"""One part in so many of what a fold leaves to learn from is validation; CHASE_DB1 in 7 folds: 20, 4 and 4 images."""


@dataclass(frozen=True)
class Member:
    """An image, the person or eye it shows (None: nobody else's), and its group, such as a disease."""

    name: str
    subject: str | None = None
    group: str | None = None


def fold_names(members: Sequence[Member], folds: int, fold: int) -> SplitNames:
    """What is learned from, chosen by and tested in one fold of a cross-validation.

    A function of the members alone, whatever their order: every machine and version deals them out alike. Images of
    one subject stay together; groups are spread evenly over folds, and over training and validation.

    Raises:
        InputError: For a number of folds or a fold that cannot be.
    """
    images = Counter(map(_subject, members))
    if not isinstance(folds, int) or not 2 <= folds <= len(images) or len(images) < 3:
        raise InputError(
            f"{len(members)} images cannot be dealt out into {folds} folds",
            expected=f"data.folds from 2 to {len(images)}, the number of persons"
            if len(images) > 2
            else "images of at least 3 persons",
            got=f"data.folds={folds} and {len(images)} persons (images of one person stay together)",
            fix="set data.folds to fewer, or to null for the set's usual split",
        )
    if not isinstance(fold, int) or not 0 <= fold < folds:
        raise InputError(
            f"there is no fold {fold}", expected=f"data.fold from 0 to {folds - 1} (data.folds={folds})", got=fold
        )
    tested = _dealt(members, folds, "test")
    learned = [member for member in members if tested[_subject(member)] != fold]
    subjects = len(set(map(_subject, learned)))
    # each fold leaves out other images, and chooses by others: the salt
    chosen = _dealt(learned, max(2, min(VALIDATION_PARTS, subjects)), f"validation of {fold} of {folds}")
    return SplitNames(
        train=tuple(sorted(member.name for member in learned if chosen[_subject(member)] != 0)),
        val=tuple(sorted(member.name for member in learned if chosen[_subject(member)] == 0)),
        test=tuple(sorted(member.name for member in members if tested[_subject(member)] == fold)),
    )


def cross_validation(splits: Splits, folds: int, fold: int) -> Splits:
    """One fold of all labelled images of a data set, whatever its own splits; those to train on alone in every fold.

    Raises:
        InputError: As `fold_names`.
    """
    all_cases = (*splits.train, *splits.val, *splits.test)
    beside = tuple(case for case in splits.train if case.train_only)
    cases = {case.name: case for case in all_cases if case.label is not None and not case.train_only}
    names = fold_names([member_of(case) for case in cases.values()], folds, fold)
    without = sum(case.label is None for case in all_cases)
    reason = splits.test_reason if without else None
    train, val, test = (tuple(cases[name] for name in part) for part in (names.train, names.val, names.test))
    return Splits((*train, *beside), val, test, test_reason=reason)


def member_of(case: Case) -> Member:
    """What dealing out needs to know of a case."""
    return Member(case.name, case.subject, case.group)


def _subject(member: Member) -> str:
    return f"subject {member.subject}" if member.subject is not None else f"image {member.name}"


def _dealt(members: Sequence[Member], parts: int, salt: str) -> dict[str, int]:
    """The part of every subject: large ones first, each to the part with fewest images of its group, then of all."""
    images = Counter(map(_subject, members))
    group_of: dict[str, str] = {}
    for member in members:  # a subject in several groups counts in the first by name
        subject, group = _subject(member), member.group or ""
        group_of[subject] = min(group_of.get(subject, group), group)
    order = sorted(images, key=lambda subject: (group_of[subject], -images[subject], _shuffled(subject, salt)))
    in_group: Counter[tuple[str, int]] = Counter()
    in_all: Counter[int] = Counter()
    found = {}
    for subject in order:
        group = group_of[subject]
        part = min(range(parts), key=lambda part: (in_group[group, part], in_all[part], part))
        found[subject] = part
        in_group[group, part] += images[subject]
        in_all[part] += images[subject]
    return found


def _shuffled(subject: str, salt: str) -> bytes:
    # the name of a file may hold bytes that are no text
    return hashlib.sha256(f"{salt}:{subject}".encode(errors="backslashreplace")).digest()
