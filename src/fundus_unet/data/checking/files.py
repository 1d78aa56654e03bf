"""The files of one case, each read once; what cannot be used is a finding, and the others go on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.checking.finding import ERROR, Finding
from fundus_unet.data.images.reading import read_image, read_label, read_mask

UNUSABLE, UNLABELLED, MISSING = "unusable file", "no label", "missing file"


@dataclass(frozen=True)
class CaseFiles:
    """What could be read of a case.

    Shapes:
        image (H, W, 3) uint8; label and second_label (H, W) uint8 in {0, 1}; mask (H, W) bool. None: there is no such
        file, or it cannot be used.
    """

    image: np.ndarray | None
    label: np.ndarray | None
    mask: np.ndarray | None
    second_label: np.ndarray | None
    findings: tuple[Finding, ...]


def read_files(case: Case, label_needed: bool) -> CaseFiles:
    """Read the files of a case.

    Args:
        label_needed: Whether a case without a label is an error: test images may come without.
    """
    findings: list[Finding] = []

    def read(path: Path | None, how: Callable[[Path], np.ndarray]) -> np.ndarray | None:
        try:
            return None if path is None else how(path)
        except InputError as error:
            findings.append(_unusable(case, error))
            return None

    if case.label is None and label_needed:
        message = f"{case.name} is to be learned from and has no label"
        findings.append(Finding(ERROR, UNLABELLED, (case.name,), message, "add its label, or remove the image"))
    image = read(case.image, read_image)
    if image is None:  # without its size nothing can be said of the others
        return CaseFiles(None, None, None, None, tuple(findings))
    shape = image.shape[0], image.shape[1]
    label = read(case.label, lambda path: read_label(path, shape))
    mask = read(case.mask, lambda path: read_mask(path, shape))
    second = read(case.second_label, lambda path: read_label(path, shape))
    return CaseFiles(image, label, mask, second, tuple(findings))


def missing_findings(missing: Mapping[str, InputError]) -> list[Finding]:
    """Of images, by name, some of whose files are not there."""
    return [
        Finding(ERROR, MISSING, (name,), error.problem, error.fix or "add the file") for name, error in missing.items()
    ]


def _unusable(case: Case, error: InputError) -> Finding:
    expected = "" if error.expected is None else f"expected {error.expected}, "
    message = f"{error.problem} ({expected}got {error.got})"
    return Finding(ERROR, UNUSABLE, (case.name,), message, error.fix or "replace the file")
