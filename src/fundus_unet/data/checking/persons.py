"""Whether one person's images are learned from and tested."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from fundus_unet.data.case import Case
from fundus_unet.data.checking.duplicates import SAME_PERSON
from fundus_unet.data.checking.finding import ERROR, WARNING, Finding


def person_findings(cases: Sequence[tuple[str, Case]], official: bool) -> Iterator[Finding]:
    """One for each person, or eye, whose images stand in several splits, by what the set says of its images.

    Args:
        cases: Each with the name of its split.
        official: Whether the split is the set's own, which is kept so that scores can be compared: a warning then.
    """
    images = defaultdict(list)
    for split, case in cases:
        if case.subject is not None:
            images[case.subject].append((split, case.name))
    for members in images.values():
        if len({split for split, _ in members}) > 1:
            names = tuple(name for _, name in members)
            listed = ", ".join(f"{name} ({split})" for split, name in members)
            message = f"images of one person stand in several splits: {listed}"
            fix = "the test score will be too good; " + (
                "this is the set's own split, so say so"
                if official
                else "keep a person in one split, or use data.folds"
            )
            yield Finding(WARNING if official else ERROR, SAME_PERSON, names, message, fix)
