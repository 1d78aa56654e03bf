"""Images that are in a set twice, by content: also scaled, recompressed, brightened, mirrored or turned.

Images are compared by a small image of their field of view with the background taken away. Of distinct images, both
eyes of a child included, the most alike correlate by 0.50 (CHASE_DB1, HRF, synthetic ones; in eight symmetries); of
copies the least alike by 0.95. A copy that is cropped within the field of view, or turned by other than right angles,
is not found.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fundus_unet.data.checking.finding import ERROR, WARNING, Finding
from fundus_unet.data.checking.reduced import eroded
from fundus_unet.data.images.preprocessing import resize_array

DUPLICATE, SAME_LABEL, SAME_PERSON = "duplicate image", "same label twice", "same person"
SIDE = 64
ALIKE = 0.75
_FINE, _COARSE = 0.7, 2.0
_RIM = 3
_MOST = 2.0
"""Standard deviations: a bright spot shall not decide alone."""
_BLOCK = 256
_WAYS = ("", "turned", "turned", "turned", "mirrored", "mirrored", "mirrored", "mirrored")


@dataclass(frozen=True)
class Content:
    """What is kept of an image to find it again.

    Shapes:
        signature (SIDE, SIDE) float16 of zero mean and unit length, or all zero where the image shows nothing.
    """

    name: str
    split: str
    image_digest: str
    label_digest: str | None
    signature: np.ndarray


def signature(green: np.ndarray, field_of_view: np.ndarray) -> np.ndarray:
    """A small image of what is in the field of view: details of some hundredth of it, no brightness, no background.

    Shapes:
        uint8 (h, w), bool (h, w) -> float16 (SIDE, SIDE).
    """
    rows, columns = (np.flatnonzero(field_of_view.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    region = field_of_view[box].astype(np.float32)
    grey = resize_array(green[box].astype(np.float32) * region, (SIDE, SIDE))
    region = resize_array(region, (SIDE, SIDE))
    details = _smooth(grey, region, _FINE) - _smooth(grey, region, _COARSE)
    inside = eroded(region > 0.5, _RIM)
    if not inside.any():
        return np.zeros((SIDE, SIDE), np.float16)
    details = np.clip(details / max(float(details[inside].std()), 0.3), -_MOST, _MOST)
    details = np.where(inside, details - details[inside].mean(), 0)
    return (details / max(float(np.linalg.norm(details)), 1e-3)).astype(np.float16)


def duplicate_findings(contents: Sequence[Content]) -> Iterator[Finding]:
    """An error for copies in several splits, a warning for copies within one; an error for one label of two images."""
    groups = _groups(contents)
    copies = {index for members, _ in groups for index in members}
    for members, ways in groups:
        names = tuple(contents[index].name for index in members)
        splits = {contents[index].split for index in members}
        first = contents[members[0]]
        listed = ", ".join(
            f"{contents[index].name} ({contents[index].split}{f', {way}' if way else ''})"
            for index, way in zip(members, ways, strict=True)
        )
        same = len({contents[index].image_digest for index in members}) == 1
        said = f"{'the same pixels' if same else 'the same image'} under {len(members)} names: {listed}"
        if len(splits) > 1:
            fix = f"keep one, in one split: a network that has learned {first.name} is not tested by its copy"
            yield Finding(ERROR, DUPLICATE, names, said, fix)
        else:
            yield Finding(WARNING, DUPLICATE, names, said, "keep one, unless it shall weigh more than others")
    by_label = defaultdict(list)
    for index, content in enumerate(contents):
        if content.label_digest is not None:
            by_label[content.label_digest].append(index)
    for members in by_label.values():
        if len(members) > 1 and not copies.issuperset(members):
            names = tuple(contents[index].name for index in members)
            message = f"one label belongs to {len(members)} images: {', '.join(names)}"
            yield Finding(ERROR, SAME_LABEL, names, message, "give each image its own label")


def _groups(contents: Sequence[Content]) -> list[tuple[list[int], list[str]]]:
    """Images that are copies of each other; for each how it differs from the first."""
    if not contents:
        return []
    plain = np.stack([content.signature for content in contents]).astype(np.float32)
    flat = plain.reshape(len(contents), -1)
    first_of = list(range(len(contents)))
    way_of = [""] * len(contents)
    digests: dict[str, int] = {}
    for index, content in enumerate(contents):
        first_of[index] = digests.setdefault(content.image_digest, index)
    for way, symmetry in zip(_WAYS, _symmetries(plain), strict=True):
        for start in range(0, len(contents), _BLOCK):
            alike = flat @ symmetry[start : start + _BLOCK].reshape(-1, flat.shape[1]).T > ALIKE
            for one, other in zip(*np.nonzero(alike), strict=True):
                one, other = int(one), int(other) + start
                if one < other and first_of[one] != first_of[other]:
                    old, new = sorted((first_of[one], first_of[other]))
                    first_of = [old if first == new else first for first in first_of]
                    way_of[other] = way
    members = defaultdict(list)
    for index, first in enumerate(first_of):
        members[first].append(index)
    return [(found, [way_of[index] for index in found]) for found in members.values() if len(found) > 1]


def _symmetries(signatures: np.ndarray) -> Iterator[np.ndarray]:
    """The eight of a square, of (n, side, side)."""
    for mirrored in (signatures, signatures[:, :, ::-1]):
        for quarters in range(4):
            yield np.rot90(mirrored, quarters, axes=(1, 2))


def _smooth(grey: np.ndarray, region: np.ndarray, sigma: float) -> np.ndarray:
    """Averages within the region alone."""
    weight = np.maximum(cv2.GaussianBlur(region, (0, 0), sigma), 1e-3)
    smooth: np.ndarray = cv2.GaussianBlur(grey, (0, 0), sigma) / weight
    return smooth
