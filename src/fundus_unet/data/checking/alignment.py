"""Whether a label lies on its image's vessels, or would elsewhere: shifted, mirrored, turned or scaled.

A label is judged by the correlation of itself with the vesselness of its image, and only against other placements of
it: an error is told where another one is clearly better, or where its own is no better than chance. On CHASE_DB1 and
HRF the right placement has 0.55 to 0.77, and the best of all wrong ones 0.22.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from fundus_unet.data.checking.finding import ERROR, WARNING, Finding
from fundus_unet.data.checking.reduced import ReducedCase, extent
from fundus_unet.data.checking.vesselness import Shifts, peak, standardized, vesselness

PLACEMENT, UNRELATED, FAINT = "label placement", "unrelated label", "faint vessels"
_REACH = 0.15
"""The largest shift that is looked for, in sides of the image."""
_CLEAR = 0.5
"""From here on no other placement but a shift is tried."""
_LEAST, _BETTER = 0.3, 0.1
"""What another placement must reach, and by how much it must be better."""
_FAINT = 0.2
_LEAST_SHIFT = 1.5
"""Reduced pixels."""
_NEAR = 0.03
"""In sides of the image: correlations within it belong to the right placement, those beyond are chance."""
LEAST_DIAMETER = 200
"""Of the field of view, in reduced pixels: below it vessels are a pixel wide, and being faint says nothing."""


@dataclass(frozen=True)
class Alignment:
    """How a label fits its image.

    Shapes:
        vessels and label (h, w) float32, `standardized`.
    """

    vessels: np.ndarray
    label: np.ndarray
    correlation: float
    findings: tuple[Finding, ...]
    may_be_faint: bool


@dataclass(frozen=True)
class _Placement:
    correlation: float
    words: str
    fix: str


def align(name: str, case: ReducedCase, label: np.ndarray, field_of_view: np.ndarray) -> Alignment:
    """Correlate a label with the vesselness of its image, as it is and in other places.

    Args:
        label: Of the reduced case, float32 (h, w).
        field_of_view: Bool (h, w).
    """
    green = case.image[..., 1]
    placed = standardized(label, field_of_view)
    large = extent(field_of_view) >= LEAST_DIAMETER
    found, inside = vesselness(green, field_of_view)
    vessels = standardized(found, inside)
    reach = max(2, round(_REACH * max(label.shape)))
    shifts = Shifts(vessels, reach)
    correlations = shifts.correlations(placed)
    own = float(correlations[reach, reach])
    if own < _CLEAR:  # as in angiograms, vessels may be bright
        bright = standardized(vesselness(255 - green, field_of_view)[0], inside)
        if float((bright * placed).sum()) > max(_LEAST, own + _BETTER):
            vessels, shifts = bright, Shifts(bright, reach)
            correlations = shifts.correlations(placed)
            own = float(correlations[reach, reach])
    others, chance = [], _beyond(correlations, round(_NEAR * max(label.shape)))
    if own < _CLEAR:
        others = [(transform, peak(shifts.correlations(transform.of(placed)))) for transform in _TRANSFORMS]
        chance = max(chance, *(best[0] for transform, best in others if transform.unlike))
    placements = [_shifted(*peak(correlations), case.scale)]
    placements += [_Placement(best[0], transform.words, transform.fix) for transform, best in others]
    better = [one for one in placements if one is not None and one.correlation > max(_LEAST, own + _BETTER)]
    findings: tuple[Finding, ...] = ()
    if better:
        best_one = max(better, key=lambda one: one.correlation)
        message = (
            f"the label of {name} {best_one.words}: correlation with the image's vessels "
            f"{best_one.correlation:.2f} that way, {own:.2f} as it is"
        )
        findings = (Finding(ERROR, PLACEMENT, (name,), message, best_one.fix),)
    elif large and own <= chance:
        message = (
            f"the label of {name} fits the image no better than by chance: correlation with its vessels {own:.2f}, "
            f"in wrong places up to {chance:.2f}"
        )
        findings = (Finding(ERROR, UNRELATED, (name,), message, "is it the label of another image? Replace it"),)
    return Alignment(vessels, placed, own, findings, may_be_faint=large and not findings)


@dataclass(frozen=True)
class _Transform:
    words: str
    fix: str
    of: Callable[[np.ndarray], np.ndarray]
    unlike: bool  # so far from the label as it is that a fit of a right one is chance


def _turned(label: np.ndarray, quarters: int, mirror: bool) -> np.ndarray:
    """Mirrored and turned counterclockwise within its frame; what leaves it is cut, what is new is empty."""
    turned = np.rot90(label[:, ::-1] if mirror else label, quarters)
    result = np.zeros_like(label)
    (height, width), (rows, columns) = label.shape, turned.shape
    high, wide = min(height, rows), min(width, columns)
    top, left, from_top, from_left = (
        (whole - part) // 2 for whole, part in ((height, high), (width, wide), (rows, high), (columns, wide))
    )
    result[top : top + high, left : left + wide] = turned[from_top : from_top + high, from_left : from_left + wide]
    return result


def _scaled(label: np.ndarray, factor: float, degrees: float) -> np.ndarray:
    height, width = label.shape
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, factor)
    moved = cv2.warpAffine(label, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return moved / max(float(np.linalg.norm(moved)), 1e-6)


_SYMMETRIES = {
    (0, True): ("is mirrored left to right", "mirror it back"),
    (2, True): ("is mirrored top to bottom", "mirror it back"),
    (2, False): ("is turned by 180 degrees", "turn it back"),
    (1, False): ("is turned by 90 degrees clockwise", "turn it back"),
    (3, False): ("is turned by 90 degrees counterclockwise", "turn it back"),
    (1, True): ("is mirrored and turned by 90 degrees", "turn and mirror it back"),
    (3, True): ("is mirrored and turned by 90 degrees", "turn and mirror it back"),
}
_SCALES = (0.8, 0.825, 0.85, 0.875, 0.9, 0.925, 0.95, 0.975, 1.025, 1.05, 1.075, 1.1, 1.125, 1.15, 1.175, 1.2, 1.25)
_DEGREES = (-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6)
_TRANSFORMS = (
    *(
        _Transform(words, fix, partial(_turned, quarters=quarters, mirror=mirror), unlike=True)
        for (quarters, mirror), (words, fix) in _SYMMETRIES.items()
    ),
    *(
        _Transform(
            f"is about {1 / factor:.2g} times as large as it should be",
            "was it scaled or cropped? Bring it back to the image's pixels",
            partial(_scaled, factor=factor, degrees=0),
            unlike=False,
        )
        for factor in _SCALES
    ),
    *(
        _Transform(
            f"is turned by about {abs(degrees)} degree{'s' * (abs(degrees) > 1)} "
            f"{'clockwise' if degrees > 0 else 'counterclockwise'}",
            "turn it back",
            partial(_scaled, factor=1, degrees=degrees),
            unlike=False,
        )
        for degrees in _DEGREES
    ),
)


def _shifted(correlation: float, down: float, right: float, scale: float) -> _Placement | None:
    if np.hypot(down, right) < _LEAST_SHIFT:
        return None
    moves = [
        f"{abs(move) / scale:.0f} pixels {direction}"
        for move, direction in (
            (right, "to the left" if right > 0 else "to the right"),
            (down, "up" if down > 0 else "down"),
        )
        if abs(move) >= 0.5
    ]
    return _Placement(correlation, f"is shifted by about {' and '.join(moves)}", "move it back")


def _beyond(correlations: np.ndarray, near: int) -> float:
    """The largest correlation of shifts that are not near."""
    middle, near = correlations.shape[0] // 2, max(2, near)
    far = correlations.copy()
    far[max(0, middle - near) : middle + near + 1, max(0, middle - near) : middle + near + 1] = -1
    return float(far.max())


def faint_findings(name: str, correlation: float) -> Iterator[Finding]:
    """A warning where a label, not found to be wrong, hardly agrees with what the image shows."""
    if correlation < _FAINT:
        message = f"the vessels of {name} are hardly seen where its label has them (correlation {correlation:.2f})"
        yield Finding(WARNING, FAINT, (name,), message, "look at the image: is it sharp, and the label its own?")
