"""The report of a data check in words, for a terminal of 80 columns."""

import textwrap
from collections.abc import Iterator, Sequence

from fundus_unet.core.plain_text import printable
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.checking.finding import ERROR, Finding
from fundus_unet.data.checking.report import CheckedImage, Report

COLUMNS = 80
_HEADER = ("split", "images", "labels", "vessel fraction", "label fits image")
_MOST_SIZES = 6
_FITS = (
    "label fits image: correlation of the label with the dark lines of its image; 0.4 and more is usual, near 0 means "
    "another image's label"
)


def report_lines(name: str, report: Report, splits: Splits, most: int | None = None) -> list[str]:
    """Counts, sizes and findings with what to do.

    Args:
        splits: What was checked.
        most: How many findings of a kind are told; None: all.
    """
    lines = [f"{printable(name)}: {plural(len(report.images), 'image')}", "", *_table(report)]
    if any(image.correlation is not None for image in report.images):
        lines += _wrapped("", _FITS)
    sizes = [f"{width} x {height} ({count})" for (width, height), count in report.sizes()]
    more = [f"{len(sizes) - _MOST_SIZES} more"] if len(sizes) > _MOST_SIZES else []
    lines += ["", *_wrapped("sizes     ", ", ".join([*sizes[:_MOST_SIZES], *more]) or "none could be read")]
    lines += _besides([*splits.train, *splits.val, *splits.test])
    if splits.test_reason:
        lines += _wrapped("test      ", printable(splits.test_reason))
    for findings in (report.errors, report.warnings):
        lines += _findings(findings, most)
    if report.findings:
        errors, warnings = plural(len(report.errors), "error"), plural(len(report.warnings), "warning")
        verdict = "training would be wrong" if report.errors else "look at them, then train"
        lines += ["", f"{errors}, {warnings}: {verdict}"]
    else:
        absent = " in what is there; the test images are missing" if splits.test_reason and not splits.test else ""
        lines += ["", f"nothing wrong was found{absent}"]
    return lines


def _besides(cases: Sequence[Case]) -> Iterator[str]:
    masks = sum(case.mask is not None for case in cases)
    seconds = sum(case.second_label is not None for case in cases)
    others = "; the other fields of view are estimated" if masks < len(cases) else ""
    some = f"{masks} of {plural(len(cases), 'image')}{others}"
    yield f"masks     {some if masks else 'none: the fields of view are estimated'}"
    if seconds:
        yield f"2nd label {seconds} of {plural(len(cases), 'image')} (second observer)"


def _table(report: Report) -> Iterator[str]:
    rows: list[Sequence[str]] = [_HEADER]
    for split, groups in report.counts().items():
        images = [image for image in report.images if image.split == split]
        rows.append(_row(split, images))
        if set(groups) != {""}:
            rows += [_row(f"  {group}", [one for one in images if (one.group or "") == group]) for group in groups]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows:
        cells = [f"{cell:{'<' if column == 0 else '>'}{widths[column]}}" for column, cell in enumerate(row)]
        yield "  ".join(cells).rstrip()


def _row(title: str, images: Sequence[CheckedImage]) -> tuple[str, ...]:
    fractions = [100 * image.vessel_fraction for image in images if image.vessel_fraction is not None]
    fits = [image.correlation for image in images if image.correlation is not None]
    return (
        printable(title),
        str(len(images)),
        str(sum(image.labelled for image in images)),
        f"{min(fractions):.1f} to {max(fractions):.1f} %" if fractions else "-",
        f"{min(fits):.2f} to {max(fits):.2f}" if fits else "-",
    )


def _findings(findings: Sequence[Finding], most: int | None) -> Iterator[str]:
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    for kind, members in kinds.items():
        word = "ERROR" if members[0].severity == ERROR else "WARNING"
        yield ""
        yield f"{word}  {kind} ({len(members)})"
        shown = members[:most]
        for number, finding in enumerate(shown):
            yield from _wrapped("  - ", printable(finding.message))
            if number + 1 == len(shown) or shown[number + 1].fix != finding.fix:
                yield from _wrapped("    what to do: ", printable(finding.fix), "      ")
        if len(shown) < len(members):
            yield f"  - and {len(members) - len(shown)} more, in the report"


def _wrapped(start: str, text: str, indent: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        COLUMNS,
        initial_indent=start,
        subsequent_indent=" " * len(start) if indent is None else indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def plural(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
