"""Labels that fit another image of the set better than their own: swapped, or copied under a wrong name."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fundus_unet.data.checking.alignment import Alignment
from fundus_unet.data.checking.finding import ERROR, Finding
from fundus_unet.data.images.preprocessing import resize_array

SWAPPED = "swapped label"
SIDE = 100
"""Of what is compared among all images, in pixels: 20 kB for an image, and no more is held."""
_LEAST, _BETTER = 0.35, 0.15
"""What another label must reach, and by how much it must be better; labels of other images have up to 0.18 on CHASE_DB1
and HRF, their own at least 0.61."""


@dataclass(frozen=True)
class VesselMaps:
    """What an image and its label show of vessels, small.

    Shapes:
        vessels and label (SIDE * SIDE,) float16, of zero mean and unit length.
    """

    vessels: np.ndarray
    label: np.ndarray

    @classmethod
    def of(cls, alignment: Alignment) -> "VesselMaps":
        """From what `align` made."""
        return cls(_small(alignment.vessels), _small(alignment.label))


def swap_findings(names: Sequence[str], shapes: Sequence[Hashable], maps: Sequence[VesselMaps]) -> Iterator[Finding]:
    """One for every two images that have each other's label, and for every other label that is another image's.

    Args:
        shapes: Of the original images; only labels of one size can have been swapped.
    """
    groups = defaultdict(list)
    for index, shape in enumerate(shapes):
        groups[shape].append(index)
    for members in groups.values():
        vessels, labels = (
            np.stack([getattr(maps[index], kind) for index in members]).astype(np.float32)
            for kind in ("vessels", "label")
        )
        fits = vessels @ labels.T  # row: image, column: label
        best = fits.argmax(axis=0)  # of each label, the image that it fits best
        own = fits.diagonal()
        for label, image in enumerate(best):
            fit = float(fits[image, label])
            if image == label or fit < max(_LEAST, float(own[label]) + _BETTER):
                continue
            one, other = names[members[label]], names[members[image]]
            mutual = best[image] == label
            if mutual and image < label:
                continue  # told from the other side
            numbers = f"correlation with its vessels {fit:.2f}, with those of {one} {own[label]:.2f}"
            if mutual:
                message, fix = f"the labels of {one} and {other} are swapped: {one}'s fits {other}", "exchange them"
            else:
                message, fix = f"the label of {one} fits {other}", f"is it a copy of {other}'s? Replace it"
            yield Finding(ERROR, SWAPPED, (one, other), f"{message} ({numbers})", fix)


def _small(values: np.ndarray) -> np.ndarray:
    small = resize_array(values, (SIDE, SIDE)).ravel()
    small = small - small.mean()
    return (small / max(float(np.linalg.norm(small)), 1e-6)).astype(np.float16)
