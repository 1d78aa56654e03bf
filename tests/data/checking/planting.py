"""Copies of a sound set with a fault planted in it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from fundus_unet.data.case import Case, Splits
from fundus_unet.data.images.reading import read_image, read_label


@dataclass(frozen=True)
class Plot:
    """A folder for planted files, and the sound splits."""

    folder: Path
    sound: Splits

    def splits(self, **changed: Case) -> Splits:
        """The sound splits with other cases in place of those of that name, and new ones added to their split."""
        parts = {}
        for split in ("train", "val", "test"):
            cases = {case.name: case for case in getattr(self.sound, split)}
            cases |= {name: case for name, case in changed.items() if name in cases}
            parts[split] = cases
        return Splits(*(tuple(cases.values()) for cases in parts.values()))

    def with_new(self, split: str, *cases: Case) -> Splits:
        parts = {name: getattr(self.sound, name) for name in ("train", "val", "test")}
        parts[split] = (*parts[split], *cases)
        return Splits(**parts)

    def image(self, case: Case) -> np.ndarray:
        return read_image(case.image)

    def label(self, case: Case) -> np.ndarray:
        """0 and 255."""
        return read_label(case.label, self.image(case).shape[:2]) * np.uint8(255)

    def write(self, name: str, values: np.ndarray, **options: object) -> Path:
        path = self.folder / name
        Image.fromarray(np.ascontiguousarray(values)).save(path, **options)
        return path

    def copy(self, source: Path, name: str) -> Path:
        return Path(shutil.copy(source, self.folder / name))


def moved(label: np.ndarray, right: int, down: int) -> np.ndarray:
    """What leaves the frame is cut, what is new is empty."""
    height, width = label.shape
    result = np.zeros_like(label)
    result[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = label[
        max(0, -down) : height + min(0, -down), max(0, -right) : width + min(0, -right)
    ]
    return result
