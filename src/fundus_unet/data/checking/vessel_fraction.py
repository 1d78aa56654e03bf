"""How much of the field of view is vessel, and whether the label shows vessels at all."""

from collections.abc import Iterator

import cv2
import numpy as np

from fundus_unet.data.checking.finding import ERROR, WARNING, Finding
from fundus_unet.data.checking.reduced import extent

FRACTION, FILLED = "vessel fraction", "filled label"
Range = tuple[float, float]
USUAL: Range = (0.01, 0.35)
"""Of any set: CHASE_DB1 has 7.3 to 12.3 %, HRF 6.0 to 12.5 %; images of a part of the eye, and tiny ones, vary."""
_POSSIBLE: Range = (0.001, 0.45)
_TOLERANCE = 1.25
"""Beyond the known range of a set by so much: another way of measuring the field of view is not a fault."""
_THICKEST = 0.1
"""Diameters of the field of view; the thickest vessel of CHASE_DB1, HRF and the synthetic images has 0.04, and an optic
disc 0.11 to 0.25."""


def vessel_fraction(label: np.ndarray, field_of_view: np.ndarray) -> float:
    """The share of the field of view that is vessel, 0 to 1; both (h, w)."""
    return float(label[field_of_view].mean()) if field_of_view.any() else 0.0


def fraction_findings(
    name: str, label: np.ndarray, field_of_view: np.ndarray, known: Range | None = None
) -> Iterator[Finding]:
    """What speaks against the label by its area.

    Args:
        known: The least and the largest vessel fraction that the set is known to have; None: what is usual.
    """
    fraction = vessel_fraction(label, field_of_view)
    said = f"{fraction:.1%} of the field of view of {name} is vessel"
    if fraction > _POSSIBLE[1]:
        fix = "is the label inverted, or is it a field-of-view mask? Vessels are white on black"
        yield Finding(ERROR, FRACTION, (name,), f"{said}: that is no label of vessels", fix)
        return
    thickness = _thickness(label) / max(extent(field_of_view), 1)
    if thickness > _THICKEST:
        message = (
            f"the label of {name} has a filled area {thickness:.0%} as wide as the field of view; vessels: up to 4 %"
        )
        fix = "is it the label of something else, such as the optic disc or a lesion? Use the one of the vessels"
        yield Finding(ERROR, FILLED, (name,), message, fix)
        return
    if fraction < _POSSIBLE[0]:
        fix = "look at the label: nearly everything in it is background"
        yield Finding(ERROR, FRACTION, (name,), f"{said}: next to nothing can be learned from it", fix)
        return
    low, high = USUAL if known is None else (known[0] / _TOLERANCE, known[1] * _TOLERANCE)
    if not low <= fraction <= high:
        usual = f"{USUAL[0]:.0%} to {USUAL[1]:.0%} is usual" if known is None else _known(known)
        yield Finding(
            WARNING, FRACTION, (name,), f"{said}; {usual}", "look at the label: is it whole, and of this image?"
        )


def _known(known: Range) -> str:
    return f"this set is known to have {100 * known[0]:.1f} to {100 * known[1]:.1f} %"


def _thickness(label: np.ndarray) -> float:
    """The diameter of the largest disc that fits into the label, in pixels."""
    filled = np.pad((label >= 0.5).astype(np.uint8), 1)
    return 2 * float(cv2.distanceTransform(filled, cv2.DIST_L2, 3).max())
