"""Check that every file of every split can be used, so that none is found unusable after training."""

from collections.abc import Callable, Iterable, Sequence

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.checking.files import UNLABELLED, UNUSABLE, read_files
from fundus_unet.data.checking.finding import Finding, listed

FILE_KINDS = (UNUSABLE, UNLABELLED)
"""With these no training can begin."""


def check_splits(splits: Splits, track: Callable[[Sequence[Case]], Iterable[Case]] = iter) -> None:
    """Read every image, label, mask and second observer's label whole. Test images may have no label.

    Args:
        track: Passes the cases through a progress display.

    Raises:
        InputError: That lists every file that is missing, cannot be read, has another size than its image, or is no
            label of vessels, each with what to do.
    """
    cases = [*splits.train, *splits.val, *splits.test]
    tested = {case.name for case in splits.test}
    check_usable([found for case in track(cases) for found in read_files(case, case.name not in tested).findings])


def check_usable(findings: Sequence[Finding]) -> None:
    """Raise as `check_splits` where any of these is of files that cannot be used, whatever else was found."""
    unusable = [one for one in findings if one.kind in FILE_KINDS]
    if len(unusable) == 1:
        raise InputError(f"{unusable[0].message}; nothing was trained", fix=unusable[0].fix)
    if unusable:
        raise InputError(
            f"{len(unusable)} files of the data set cannot be used; nothing was trained", got=listed(unusable)
        )
