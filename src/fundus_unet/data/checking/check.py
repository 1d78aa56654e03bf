"""Check a whole data set: each case by itself, then all of them against each other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from fundus_unet.data.case import Case, Splits
from fundus_unet.data.checking.alignment import PLACEMENT, UNRELATED, faint_findings
from fundus_unet.data.checking.duplicates import duplicate_findings
from fundus_unet.data.checking.examine import SECOND, Examined, examine
from fundus_unet.data.checking.finding import ERROR, Finding
from fundus_unet.data.checking.persons import person_findings
from fundus_unet.data.checking.report import Report, ordered
from fundus_unet.data.checking.swaps import swap_findings
from fundus_unet.data.checking.vessel_fraction import Range

SPLITS = ("train", "val", "test")
Track = Callable[[Sequence[Case]], Iterable[Case]]


def check_splits_for_faults(
    splits: Splits,
    known_fraction: Callable[[Case], Range | None] = lambda case: None,
    *,
    official: bool = False,
    track: Track = iter,
    threads: int = 2,
) -> Report:
    """Find what would make a training on these splits wrong, or is to be looked at.

    Args:
        known_fraction: The vessel fractions that the set of a case is known to have; None: what is usual.
        official: Whether the splits are the set's own, rather than the user's.
        track: Passes the cases through a progress display.
        threads: How many cases are examined at once; each holds an image of full size.
    """
    placed = [(split, case) for split in SPLITS for case in getattr(splits, split)]
    split_of = {case.name: split for split, case in placed}

    def one(case: Case) -> Examined:
        return examine(case, split_of[case.name], known_fraction(case))

    examined = list(_all(one, [case for _, case in placed], track, threads))
    findings = [finding for each in examined for finding in each.findings]
    aligned = [each for each in examined if each.maps is not None]
    findings = _with_swaps(findings, aligned)
    findings += duplicate_findings([each.content for each in examined if each.content is not None])
    findings += person_findings(placed, official)
    return Report(tuple(each.image for each in examined), ordered(findings))


def _all(one: Callable[[Case], Examined], cases: list[Case], track: Track, threads: int) -> Iterator[Examined]:
    """In the order of the cases; an interruption leaves those that were not begun."""
    pool = ThreadPoolExecutor(threads)
    try:
        waiting = {case.name: pool.submit(one, case) for case in cases}
        for case in track(cases):
            yield waiting.pop(case.name).result()
    finally:
        pool.shutdown(cancel_futures=True)


def _with_swaps(findings: list[Finding], aligned: list[Examined]) -> list[Finding]:
    """With what is told of labels that fit other images, in place of what was told of them alone."""
    names = [each.image.name for each in aligned]
    shapes = [(each.image.width, each.image.height) for each in aligned]
    swaps = list(swap_findings(names, shapes, [each.maps for each in aligned if each.maps is not None]))
    explained = {name for swap in swaps for name in swap.cases}
    wrong = {name for finding in findings if finding.severity == ERROR for name in finding.cases}
    wrong |= explained
    faint = [
        finding
        for each in aligned
        if each.may_be_faint and each.image.name not in wrong
        for finding in faint_findings(each.image.name, each.image.correlation or 0.0)
    ]
    follows = {PLACEMENT: explained, UNRELATED: explained, SECOND: wrong}  # from what is told of these images
    kept = [one for one in findings if not follows.get(one.kind, set()).issuperset(one.cases)]
    return [*kept, *swaps, *faint]
