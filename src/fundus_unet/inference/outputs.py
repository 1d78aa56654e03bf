"""The files that are written for every photograph, on its own pixel grid.

`probability`: 0 to the largest value of its bits is 0 to 1. `mask` and `skeleton`: 0 and 255. `overlay`: the mask over
the photograph, for a person to look at.
"""

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

import cv2
import numpy as np

from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.core.files import write_bytes
from fundus_unet.drawing.overlay import vessel_overlay
from fundus_unet.inference.new_photograph import NewPhotograph
from fundus_unet.metrics.topology import skeleton_of

ENDINGS = {"probability": ".png", "mask": ".png", "overlay": ".jpg", "skeleton": ".png"}
BITS = (8, 16)


class Outputs:
    """Writes `folder/KIND/NAME`, each file whole or not at all.

    Args: `bits` per pixel of the probability map, 8 or 16.
    Raises: `InputError` for a kind that there is not, none at all, or other bits.
    """

    def __init__(self, folder: Path, kinds: Sequence[str], bits: int = 8) -> None:
        for kind in kinds:
            if kind not in ENDINGS:
                raise InputError(
                    f"there is no output {kind!r}", expected=tuple(ENDINGS), fix=did_you_mean(str(kind), ENDINGS)
                )
        if not kinds:
            raise InputError("no output was asked for", expected=f"some of {', '.join(ENDINGS)}", got="outputs=[]")
        if bits not in BITS:
            raise InputError("bits of the probability map", expected=BITS, got=bits)
        self.folder = folder
        self.kinds = tuple(dict.fromkeys(kinds))
        self.bits = bits

    def path(self, kind: str, name: PurePath) -> Path:
        return self.folder / kind / name.with_name(name.name + ENDINGS[kind])

    def exist(self, name: PurePath) -> bool:
        return all(self.path(kind, name).is_file() for kind in self.kinds)

    def write(self, photograph: NewPhotograph, probability: np.ndarray, mask: np.ndarray) -> None:
        """Write every kind.

        Shapes: probability float32 (H, W), mask bool (H, W).
        Raises: `InputError` where a file cannot be written.
        """
        draw: dict[str, Callable[[], np.ndarray]] = {
            "probability": lambda: _quantised(probability, self.bits),
            "mask": lambda: mask * np.uint8(255),
            "overlay": lambda: vessel_overlay(photograph.image, mask, photograph.field_of_view)[..., ::-1],
            "skeleton": lambda: skeleton_of(mask) * np.uint8(255),
        }
        for kind in self.kinds:
            path = self.path(kind, photograph.source.name)
            _, encoded = cv2.imencode(ENDINGS[kind], draw[kind](), _OPTIONS[ENDINGS[kind]])
            try:
                write_bytes(path, encoded.tobytes())
            except OSError as error:
                raise InputError(f"{path} cannot be written: {error.strerror or error}") from error


def _quantised(probability: np.ndarray, bits: int) -> np.ndarray:
    largest = 2**bits - 1
    return np.round(probability * largest).astype(np.uint8 if bits == 8 else np.uint16)


# The fastest compression: a map of 8 million pixels takes longer to pack than to predict.
_OPTIONS = {
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92],
}
