"""The files that are written for every image, on its own pixel grid.

`probability`: 0 to the largest value of its bits is 0 to 1. `uncertainty`: 16 bits, 0 to 65535 is a standard deviation
of the probability from 0 to 0.5. `mask` and `skeleton`: 0 and 255. `overlay`: the mask over the image, as contours or
filled, for a person to look at. `thumbnail`: both small, for the page.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import Any

import cv2
import numpy as np

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import write_bytes
from fundus_unet.drawing.overlay import CONTOUR, STYLES, vessel_overlay
from fundus_unet.drawing.thumbnail import thumbnail_pair
from fundus_unet.inference.manifest import Manifest
from fundus_unet.inference.new_image import NewImage
from fundus_unet.inference.predictor import Maps
from fundus_unet.inference.sources import Source
from fundus_unet.metrics.topology import skeleton_of

UNCERTAINTY = "uncertainty"
ENDINGS = {"probability": ".png", "mask": ".png", "overlay": ".jpg", "skeleton": ".png", UNCERTAINTY: ".png"}
THUMBNAIL = "thumbnail"
ALL_ENDINGS = {THUMBNAIL: ".jpg"} | ENDINGS
BITS = (8, 16)
LARGEST_DEVIATION = 0.5
"""Of probabilities: half of them 0, half of them 1."""


class Outputs:
    """Writes `folder/KIND/NAME`, each file whole or not at all, and in place of its own files alone.

    Args:
        bits: Per pixel of the probability map, 8 or 16.
        overlay: How vessels are drawn over the image, `contour` or `fill`.
        manifest: Tells which files are predict's.
        thumbnails: Writes these too. An image whose other outputs are there is done without.

    Raises:
        InputError: For a kind that there is not, none at all, other bits, or another overlay.
    """

    def __init__(
        self,
        folder: Path,
        kinds: Sequence[str],
        bits: int = 8,
        overlay: str = CONTOUR,
        manifest: Manifest | None = None,
        thumbnails: bool = False,
    ) -> None:
        for kind in kinds:
            if kind not in ENDINGS:
                raise InputError(
                    f"there is no output {kind!r}", expected=tuple(ENDINGS), fix=did_you_mean(str(kind), ENDINGS)
                )
        if not kinds:
            raise InputError("no output was asked for", expected=f"some of {', '.join(ENDINGS)}", got="outputs=[]")
        if bits not in BITS:
            raise InputError("bits of the probability map", expected=BITS, got=bits)
        if overlay not in STYLES:
            raise InputError(f"there is no overlay {overlay!r}", expected=STYLES, fix=did_you_mean(overlay, STYLES))
        self.folder = folder
        self.kinds = tuple(dict.fromkeys(kinds))
        self.written = (THUMBNAIL, *self.kinds) if thumbnails else self.kinds  # a kill loses none of what is done
        self.bits = bits
        self.overlay = overlay
        self.manifest = manifest or Manifest(folder)

    def path(self, kind: str, name: PurePath) -> Path:
        return self.folder / kind / name.with_name(name.name + ALL_ENDINGS[kind])

    def exist(self, name: PurePath) -> bool:
        """Whether predict has made all of them, with these settings."""
        return all(self.manifest.is_current(self.path(kind, name)) for kind in self.kinds)

    def folders(self, names: Iterable[PurePath]) -> Iterator[Path]:
        """Those of the outputs that are there and lie in `folder`, not behind a link; each once."""
        known: set[int] = set()
        for name in names:
            parent = name.parent
            number = hash(parent)
            if number not in known:
                known.add(number)
                paths = (self.folder / kind / parent for kind in self.written)
                yield from (path for path in paths if path.is_dir() and self.is_inside(path))

    def is_inside(self, folder: Path) -> bool:
        """Whether a folder below `self.folder` lies there, and not behind a link."""
        place = os.path.join(os.path.realpath(self.folder), folder.relative_to(self.folder))
        return os.path.normcase(os.path.realpath(folder)) == os.path.normcase(place)

    def check_owner(self, source: Source, whole: str) -> None:
        """Raise `InputError` where predict has made files of these names of another image.

        Args:
            whole: The real path of the source.
        """
        for kind in self.written:
            path = self.path(kind, source.name)
            if self.manifest.belongs_to(path, whole) or not os.path.lexists(path):
                continue
            owner = self.manifest.image_of(path)
            if owner is not None and not _is_same(owner, source.path):
                raise InputError(
                    f"its outputs would overwrite those of {owner}",
                    fix="rename one of the two, or predict them into different folders (out_dir)",
                )

    def check(self, source: Source) -> None:
        """Raise `InputError` where an output would leave the folder, or replace a file that predict did not make."""
        for kind in self.written:
            path = self.path(kind, source.name)
            if not self.is_inside(path.parent):
                raise InputError(
                    f"{path} cannot be written: a folder in {self.folder} is a link",
                    expected="outputs that stay below out_dir",
                    got=os.path.realpath(path.parent),
                    fix="remove the link, or choose another out_dir",
                )
            if os.path.lexists(path) and not self.manifest.owns(path):
                raise InputError(
                    f"{path} was not made by predict, or has been changed since; it was not replaced",
                    fix="move it elsewhere, or choose another out_dir",
                )

    def drawn(self, sample: NewImage, maps: Maps, mask: np.ndarray) -> dict[Path, bytes]:
        """The content of every kind's file.

        Shapes:
            mask bool (H, W).
        """

        def uncertainty() -> np.ndarray:
            assert maps.uncertainty is not None
            return _quantised(maps.uncertainty / np.float32(LARGEST_DEVIATION), 16)

        draw: dict[str, Callable[[], np.ndarray]] = {
            "probability": lambda: _quantised(maps.probability, self.bits),
            UNCERTAINTY: uncertainty,
            "mask": lambda: mask * np.uint8(255),
            "overlay": lambda: vessel_overlay(sample.image, mask, sample.field_of_view, self.overlay)[..., ::-1],
            "skeleton": lambda: skeleton_of(mask) * np.uint8(255),
            THUMBNAIL: lambda: thumbnail_pair(sample.image, mask)[..., ::-1],
        }
        return {self.path(kind, sample.source.name): _encoded(draw[kind](), kind) for kind in self.written}

    def write(self, made: Sequence[tuple[Source, dict[Path, bytes]]]) -> list[InputError | None]:
        """Write what was `drawn` of several sources.

        Returns:
            For each what is wrong: a file that cannot be written, or may not be (`check`).
        """
        errors: list[InputError | None] = [self._error(self.check, source) for source, _ in made]
        good = [one for one, error in zip(made, errors, strict=True) if error is None]
        unclaimed = self._error(self.manifest.claim, [(source.path, contents) for source, contents in good])
        return [
            error or unclaimed or self._error(_write, contents)
            for (_, contents), error in zip(made, errors, strict=True)
        ]

    def _error(self, act: Callable[[Any], None], what: object) -> InputError | None:
        try:
            act(what)
        except InputError as error:
            return error
        except OSError as error:
            path = error.filename or self.folder
            return InputError(f"{path} cannot be written: {error.strerror or error}")
        return None


def _write(contents: dict[Path, bytes]) -> None:
    for path, content in contents.items():
        write_bytes(path, content, durable=False)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.realpath(one) == os.path.realpath(other) or os.path.samefile(one, other)
    except OSError:
        return False


def _encoded(image: np.ndarray, kind: str) -> bytes:
    ending = ALL_ENDINGS[kind]
    _, encoded = cv2.imencode(ending, image, _SMALL if kind == THUMBNAIL else _OPTIONS[ending])
    return encoded.tobytes()


def _quantised(probability: np.ndarray, bits: int) -> np.ndarray:
    largest = 2**bits - 1
    levels = probability * np.float32(largest)
    return np.rint(levels, out=levels).astype(np.uint8 if bits == 8 else np.uint16)


# The fastest compression, which for these maps is also a small one: a row less the one above, and runs of equal bytes.
# A map of 8 million pixels takes longer to pack than to predict. Colours at full resolution, since half of it makes
# thin lines grey.
_RUNS = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
_FULL_COLOUR = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
_OPTIONS = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1, *_RUNS],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92, *_FULL_COLOUR],
}
_SMALL = [cv2.IMWRITE_JPEG_QUALITY, 80, *_FULL_COLOUR]
