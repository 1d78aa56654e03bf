"""Whether a field-of-view mask fits its image and its label."""

from collections.abc import Iterator

import numpy as np

from fundus_unet.data.checking.finding import ERROR, WARNING, Finding
from fundus_unet.data.checking.reduced import ReducedCase

MASK = "mask"
_MOST_OUTSIDE, _FAR_OUTSIDE = 0.02, 0.5
_GOOD_OVERLAP, _LEAST_OVERLAP, _INVERTED = 0.85, 0.5, 0.7
_REMOVE = "replace the mask, or remove it to have the field of view estimated from the image"


def mask_findings(name: str, case: ReducedCase) -> Iterator[Finding]:
    """What speaks against the mask: a field of view that the image shows elsewhere.

    Units:
        Overlap is the intersection over the union, 0 to 1.
    """
    mask = case.mask
    if mask is None or not case.has_border:
        return
    overlap, complement = _overlap(mask, case.estimated), _overlap(~mask, case.estimated)
    said = f"the mask of {name} overlaps {overlap:.0%} with the field of view that the image shows"
    if complement >= _INVERTED:
        fix = "invert it: white is the field of view, black the border"
        yield Finding(ERROR, MASK, (name,), f"the mask of {name} is inverted: it is black where the eye is", fix)
        return
    if overlap < _LEAST_OVERLAP:
        yield Finding(ERROR, MASK, (name,), f"{said}: it is another image's, or no such mask", _REMOVE)
        return
    if overlap < _GOOD_OVERLAP:
        whole = " (it is white all over, so that the border counts too)" if mask.all() else ""
        yield Finding(WARNING, MASK, (name,), said + whole, _REMOVE)


def outside_findings(name: str, case: ReducedCase) -> Iterator[Finding]:
    """Vessels that a sound label has outside of the mask."""
    mask, label = case.mask, case.label
    if mask is None or label is None or not label.any():
        return
    outside = float(label[~mask].sum() / label.sum())
    if outside > _MOST_OUTSIDE:
        severity = ERROR if outside > _FAR_OUTSIDE else WARNING
        message = f"{outside:.0%} of the vessel pixels of {name} lie outside of its mask and do not count"
        yield Finding(severity, MASK, (name,), message, "check that mask and label belong to this image")


def field_of_view(case: ReducedCase, findings: list[Finding]) -> np.ndarray:
    """The mask where there is one without an error, else what was estimated."""
    wrong = any(finding.severity == ERROR for finding in findings)
    return case.estimated if wrong or case.mask is None or not case.mask.any() else case.mask


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))
