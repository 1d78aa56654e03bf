"""Everything that is found out about one case by itself."""

import hashlib
from dataclasses import dataclass

import numpy as np

from fundus_unet.data.case import Case
from fundus_unet.data.checking.alignment import align
from fundus_unet.data.checking.duplicates import Content, signature
from fundus_unet.data.checking.files import CaseFiles, read_files
from fundus_unet.data.checking.finding import ERROR, WARNING, Finding
from fundus_unet.data.checking.mask import field_of_view, mask_findings, outside_findings
from fundus_unet.data.checking.reduced import reduce_case
from fundus_unet.data.checking.report import CheckedImage
from fundus_unet.data.checking.swaps import VesselMaps
from fundus_unet.data.checking.vessel_fraction import Range, fraction_findings, vessel_fraction

SECOND = "second observer"
_LEAST_AGREEMENT = 0.3
"""Dice; of CHASE_DB1's observers 0.74 to 0.83, of labels that belong to two images about 0.1."""


@dataclass(frozen=True)
class Examined:
    """What is kept of a case: some 50 kB, however large its images are."""

    image: CheckedImage
    findings: tuple[Finding, ...]
    content: Content | None = None
    maps: VesselMaps | None = None
    may_be_faint: bool = False


def examine(case: Case, split: str, known: Range | None = None) -> Examined:
    """Read a case once, and check its files, mask, vessel fraction and alignment.

    Args:
        known: The vessel fractions that its set is known to have.
    """
    files = read_files(case, label_needed=split != "test")
    if files.image is None:
        nothing = CheckedImage(case.name, split, case.group, None, None, None, None, case.label is not None)
        return Examined(nothing, files.findings)
    reduced = reduce_case(files)
    findings = list(mask_findings(case.name, reduced))
    region = field_of_view(reduced, findings)
    fraction = correlation = maps = None
    may_be_faint = False
    if reduced.label is not None:
        fraction = vessel_fraction(reduced.label, region)
        of_label = list(fraction_findings(case.name, reduced.label, region, known))
        if not _has_error(of_label):  # else it is no label of vessels, wherever it lies
            alignment = align(case.name, reduced, reduced.label, region)
            of_label += alignment.findings
            correlation, maps = alignment.correlation, VesselMaps.of(alignment)
            may_be_faint = alignment.may_be_faint
        if not _has_error([*findings, *of_label]):
            of_label += outside_findings(case.name, reduced)
        findings += of_label
        if reduced.second_label is not None:
            findings += _second_observer(case.name, reduced.label, reduced.second_label)
    height, width = files.image.shape[:2]
    checked = CheckedImage(case.name, split, case.group, width, height, fraction, correlation, case.label is not None)
    content = Content(case.name, split, *_digests(files), signature(reduced.image[..., 1], region))
    return Examined(checked, (*files.findings, *findings), content, maps, may_be_faint)


def _has_error(findings: list[Finding]) -> bool:
    return any(finding.severity == ERROR for finding in findings)


def _second_observer(name: str, label: np.ndarray, second: np.ndarray) -> list[Finding]:
    dice = float(2 * np.minimum(label, second).sum() / max((label + second).sum(), 1e-6))
    if dice >= _LEAST_AGREEMENT:
        return []
    message = f"the two observers of {name} hardly agree: Dice {dice:.2f}"
    return [Finding(WARNING, SECOND, (name,), message, "is the second label of this image, and not moved or mirrored?")]


def _digests(files: CaseFiles) -> tuple[str, str | None]:
    """Of the pixels of image and label, whatever the format of their files."""
    assert files.image is not None
    label = None if files.label is None else _digest(np.packbits(files.label), files.label.shape)
    return _digest(np.ascontiguousarray(files.image), files.image.shape), label


def _digest(values: np.ndarray, shape: tuple[int, ...]) -> str:
    digest = hashlib.sha256(repr(shape).encode())
    digest.update(values.data)
    return digest.hexdigest()
