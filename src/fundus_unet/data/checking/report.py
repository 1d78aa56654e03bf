"""What a check found of a whole data set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fundus_unet.data.checking.finding import ERROR, WARNING, Finding

CHECK_VERSION = 1
"""Raised whenever the same files may get other findings, so that an old result is not taken for a new one."""


@dataclass(frozen=True)
class CheckedImage:
    """One image; None: it could not be read, or has no usable label.

    Units:
        width and height in pixels; vessel_fraction of the field of view, correlation of label and vesselness, 0 to 1.
    """

    name: str
    split: str
    group: str | None
    width: int | None
    height: int | None
    vessel_fraction: float | None
    correlation: float | None
    labelled: bool


@dataclass(frozen=True)
class Report:
    """The images in the order of the splits, and what is wrong with them, errors first."""

    images: tuple[CheckedImage, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings with which training would be wrong."""
        return tuple(finding for finding in self.findings if finding.severity == ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Findings to look at."""
        return tuple(finding for finding in self.findings if finding.severity == WARNING)

    def and_also(self, findings: Sequence[Finding]) -> "Report":
        """With findings that were made of files rather than of images."""
        return Report(self.images, ordered([*findings, *self.findings]))

    def counts(self) -> dict[str, dict[str, int]]:
        """The number of images by split and then by group; images without a group stand under ''."""
        found: dict[str, dict[str, int]] = {}
        for image in self.images:
            groups = found.setdefault(image.split, {})
            groups[image.group or ""] = groups.get(image.group or "", 0) + 1
        return found

    def sizes(self) -> list[tuple[tuple[int, int], int]]:
        """(width, height) and how many images have it, the most frequent first."""
        known = [(image.width, image.height) for image in self.images if image.width and image.height]
        return Counter(known).most_common()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "check_version": CHECK_VERSION,
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "findings": [finding.as_dict() for finding in self.findings],
            "counts": self.counts(),
            "images": [asdict(image) for image in self.images],
        }


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by kind, in the order in which kinds were found."""
    kinds = list(dict.fromkeys(finding.kind for finding in findings))
    return tuple(sorted(findings, key=lambda one: (one.severity != ERROR, kinds.index(one.kind))))
