"""Labels that tell arteries from veins by colour. Every colour is a vessel: one channel alone would lose every vein.

| set | colours |
|---|---|
| RITE (arteries and veins of DRIVE) | red artery, blue vein, green where they cross, white vessel of unknown kind |
| LES-AV, Fundus-AVSeg | as RITE |
| HRF-AV, AVRDB (cleaned) | red artery, blue vein, green where they cross |
| GAVE | red channel artery, blue vein, green where they cross; a pixel may have several |
| REYIA | red artery, blue vein, magenta where they cross |
| RRWNet's files of RITE, LES-AV and HRF | red channel artery, green vein, blue all vessels |
| GAVE's predictions | red channel artery, green all vessels, blue vein |

Where it is unknown whether a vessel is artery or vein (white), or where the two cross, it is still a vessel: RITE, GAVE
and the authors of LES-AV count it as one. No set was found whose unknown is no vessel.

Source:
    RITE: Q. Hu, M. D. Abramoff, M. K. Garvin, MICCAI 2013, and https://medicine.uiowa.edu/eye/rite-dataset. LES-AV:
    J. I. Orlando et al., MICCAI 2018, whose code takes a pixel with any channel for vessel. HRF-AV: R. Hemelings et
    al., Computerized Medical Imaging and Graphics 76:101636, 2019. Fundus-AVSeg: Scientific Data 2025,
    doi:10.1038/s41597-025-05381-2. GAVE: https://github.com/liuzw20/GAVE. RRWNet: https://github.com/j-morano/rrwnet.
    AVRDB: https://github.com/trungdo1810/AVRDB-Artery-Vein-Segmentation-Dataset. REYIA: a public loader of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fundus_unet.core.errors import InputError

COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
"""By which channels are bright: 1 for red, 2 for green, 4 for blue, added up."""
TOLERANCE = 64
"""A channel may be so far from 0 or 255, of 255; a value between is a stray one."""
STRAY_SHARE = 0.01
"""Of the vessels' pixels, what may be stray: three files of HRF-AV have smoothed strokes."""
LEAST_SHARE = 0.02
"""Of the vessels' pixels, what arteries and veins must each have for the colours to be no accident."""


@dataclass(frozen=True)
class Code:
    """What the colours of one family of maps mean."""

    artery: str
    vein: str
    others: Mapping[str, str]

    def classes(self) -> dict[str, str]:
        """Colour to class; arteries and veins first."""
        return {self.artery: "artery", self.vein: "vein", **self.others}


_CROSSING, _UNKNOWN = "crossing", "unknown kind"
CODES = (
    Code("red", "blue", dict.fromkeys(("green", "magenta", "yellow", "cyan"), _CROSSING) | {"white": _UNKNOWN}),
    Code("magenta", "cyan", {"white": _CROSSING, "blue": _UNKNOWN}),
    Code("yellow", "cyan", {"white": _CROSSING, "green": _UNKNOWN}),
)


def coloured_vessels(values: np.ndarray, path: Path, fix: str) -> tuple[np.ndarray, dict[str, int]]:
    """The vessels of an artery/vein map, whatever their kind, and how many pixels each class has.

    Shapes:
        `values` (H, W, 3) uint8 -> (H, W) bool.

    Args:
        path: Of the label, for messages.
        fix: What to do where it is no such map.

    Raises:
        InputError: Where colours are in it that no code has, arteries or veins have none, or its background is not
            black.
    """
    bright = values > 127
    index = bright[..., 0].astype(np.uint8)
    index += bright[..., 1].astype(np.uint8) * 2
    index += bright[..., 2].astype(np.uint8) * 4
    counts = dict(zip(COLOURS, np.bincount(index.ravel(), minlength=len(COLOURS)).tolist(), strict=True))
    commonest = max(counts, key=lambda colour: counts[colour])
    if commonest != "black":
        raise InputError(
            f"the background of the label {path} is not black",
            expected="black and white, or an artery/vein map on black",
            got=f"{counts[commonest] / index.size:.0%} of it is {commonest}",
            fix="make its background black, and save it as PNG",
        )
    vessels = index.size - counts["black"]
    code = next((code for code in CODES if _has(code, counts, vessels)), None)
    if code is None:
        raise _no_map(values, path, fix)
    between = (values > TOLERANCE) & (values < 255 - TOLERANCE)
    stray = np.any(between, axis=2)
    for colour in set(COLOURS[1:]) - set(code.classes()):
        if counts[colour]:
            stray = stray | (index == COLOURS.index(colour))
    if stray.sum() > STRAY_SHARE * vessels:
        raise _stray(values, stray, path, fix)
    classes: dict[str, int] = {}
    for colour, name in code.classes().items():
        classes[name] = classes.get(name, 0) + counts[colour]
    return index > 0, classes


def _has(code: Code, counts: Mapping[str, int], vessels: int) -> bool:
    return min(counts[code.artery], counts[code.vein]) >= max(1, LEAST_SHARE * vessels)


def _no_map(values: np.ndarray, path: Path, fix: str) -> InputError:
    coloured = (values != values[..., :1]).any(axis=2)
    row, column = np.unravel_index(coloured.argmax(), coloured.shape)
    return InputError(
        f"the colour channels of the label {path} differ",
        expected="black and white only, or an artery/vein map: red and blue, with green where they cross and white "
        "where the kind is unknown",
        got=f"{int(coloured.sum())} coloured pixels, the first {values[row, column].tolist()} at row {row}, "
        f"column {column}; most often {_commonest(values[coloured])}",
        fix=fix,
    )


def _stray(values: np.ndarray, stray: np.ndarray, path: Path, fix: str) -> InputError:
    return InputError(
        f"the artery/vein map {path} has colours whose meaning is not known",
        expected="black, red, blue, green, magenta or white, nearly pure",
        got=f"{int(stray.sum())} pixels of other colours, most often {_commonest(values[stray])}",
        fix=fix,
    )


def _commonest(pixels: np.ndarray) -> str:
    """The three commonest colours, with their numbers of pixels."""
    packed = pixels.astype(np.int32) @ np.array([65536, 256, 1])
    colours, counts = np.unique(packed, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:3]
    named = [
        f"[{one >> 16}, {one >> 8 & 255}, {one & 255}] ({count})"
        for one, count in zip(colours[order], counts[order], strict=True)
    ]
    return ", ".join(named)
