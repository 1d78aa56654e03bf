"""CHASE_DB1: 28 images of both eyes of 14 children, with the vessels drawn by two observers.

Images: `Image_01L.jpg` to `Image_14R.jpg`, 999 x 960 pixels (width x height), 30 degree field of view, hand-held
Nidek NM-200-D.
Labels: `Image_01L_1stHO.png` (first observer, the reference) and `Image_01L_2ndHO.png` (second observer, the human
baseline), 1-bit PNG, all in one folder with the images.
Variants: sorted into folders (`images/`, `labels/`, `1st_manual/`, ...), also below `training/` and `test/`; a label in
a folder of its own may be called as its image.
Masks: none; the field of view is estimated. It covers 65 to 70 % of the frame.
Splits: `first20` (the usual one) and `fraz8` (8 to learn from, 20 to test). No child is in two parts of a split.
Licence: CC BY 4.0.
Source: M. M. Fraz et al., "An Ensemble Classification-Based Approach Applied to Retinal Blood Vessel Segmentation",
IEEE Transactions on Biomedical Engineering 59(9):2538-2548, 2012.
Caveats: no official split exists, so scores of papers that do not name theirs are not comparable; the left and right
eye of a child resemble each other.
"""

from pathlib import Path

from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.sets.locate import DatasetFiles, Origin, pick_split, variants

ORIGIN = Origin.of("chasedb1")

VESSEL_FRACTION = (0.073, 0.123)
"""The least and the largest share of the field of view that is vessel, measured on all 28 images."""


def _both_eyes(first: int, last: int) -> tuple[str, ...]:
    return tuple(f"Image_{child:02d}{eye}" for child in range(first, last + 1) for eye in "LR")


def subject_of(name: str) -> str:
    """The child: `Image_01L` and `Image_01R` -> `Image_01`."""
    return name[:-1]


SPLITS = {
    "first20": SplitNames(train=_both_eyes(1, 8), val=_both_eyes(9, 10), test=_both_eyes(11, 14)),
    "fraz8": SplitNames(train=_both_eyes(1, 3), val=_both_eyes(4, 4), test=_both_eyes(5, 14)),
}


_PARTS = ("", "training/", "train/", "test/")
_FIRST = ("labels", "label", "1st_manual", "1st_label", "manual", "masks", "mask")
_SECOND = ("labels2", "2nd_manual", "2nd_label", *_FIRST)


def _image(name: str) -> tuple[str, ...]:
    folders = ("", *(f"{part}{folder}" for part in _PARTS for folder in ("images", "image")))
    return variants(folders, [name], [".jpg", ".png", ".tif"])


def _label(name: str) -> tuple[str, ...]:
    folders = [f"{part}{folder}" for part in _PARTS for folder in _FIRST]
    own = variants(["", "images", *folders], [f"{name}_1stHO"], [".png"])
    return (*own, *variants(folders, [name], [".png"]))


def _second_label(name: str) -> tuple[str, ...]:
    folders = [f"{part}{folder}" for part in _PARTS for folder in _SECOND]
    own = variants(["", "images", *folders], [f"{name}_2ndHO"], [".png"])
    return (*own, *variants([folder for folder in folders if "2" in folder], [name], [".png"]))


class ChaseDB1:
    """CHASE_DB1 below `root`, the folder of the 28 images or its parent.

    Raises:
        InputError: For an unknown split, and from `splits()` for a missing file.
    """

    vessel_fraction = VESSEL_FRACTION

    def __init__(self, root: str | Path, split: str = "first20") -> None:
        self.root = root
        self.names = pick_split("CHASE_DB1", split, SPLITS)

    def splits(self) -> Splits:
        names = self.names.all()
        files = DatasetFiles(self.root, ORIGIN, expected=list(map(_image, names)))
        has_second = files.has_any(map(_second_label, names))

        def case(name: str) -> Case:
            return Case(
                name=name,
                image=files.require(*_image(name)),
                label=files.require(*_label(name)),
                second_label=files.require(*_second_label(name)) if has_second else None,
                subject=subject_of(name),
            )

        return self.names.map(case)
