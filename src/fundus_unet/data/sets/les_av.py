"""LES-AV, from the Leuven Eye Study: 22 images of healthy and glaucomatous eyes, with arteries and veins.

Images: 22 PNG files in `images/`, whose names are numbers; their sizes differ. 30 degree field of view, but for one.
Labels: `vessel-segmentations/NAME.png`, or else the artery/vein map `arteries-and-veins/NAME.png`: red artery, blue
vein, green where they cross, white of unknown kind, all of it vessel, as the authors' own code has it.
Masks: `masks/NAME_mask.gif`; a missing one is estimated.
Variants: the folders as other projects call them, `manual/`, `manual_av/`, `mask/`; the folder `LES_AV`.
Splits: none is official. `hash`: the first fold of a cross-validation in four, by the names alone: 13 to learn from,
3 of validation, 6 to test. `data.folds=4` has all four.
Working resolution: 600 pixels across the field of view, 20 to a degree as HRF's 900 across 45 degrees.
Licence: scientific use only, no commercial one; cite the paper.
Source: J. I. Orlando et al., "Towards a Glaucoma Risk Index Based on Simulated Hemodynamics from Fundus Images", MICCAI
2018, arXiv 1805.10273.
Caveats: which eyes have glaucoma is in a table of its own, not in the names.
"""

from collections.abc import Sequence
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import command
from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.cross_validation import Member, fold_names
from fundus_unet.data.sets.locate import DatasetFiles, Origin, pick_split, variants

ORIGIN = Origin.of("les_av")
COUNT = 22
_LABELS = ("vessel-segmentations", "manual", "arteries-and-veins", "manual_av")
_ENDINGS = (".png", ".tif", ".jpg")


def by_hash(names: Sequence[str]) -> SplitNames:
    """The split of these names, whatever their order."""
    return fold_names([Member(name) for name in names], folds=4, fold=0)


SPLITS = {"hash": by_hash}


class LesAV:
    """LES-AV below `root`, the folder that holds `images/`, or its parent.

    Raises:
        InputError: For an unknown split, and from `splits()` for missing files.
    """

    def __init__(self, root: str | Path, split: str = "hash") -> None:
        self.root = root
        self.split = pick_split("LES-AV", split, SPLITS)

    def splits(self) -> Splits:
        files = DatasetFiles(self.root, ORIGIN, or_folders=_LABELS)
        names = files.names("images", _ENDINGS)
        if not names:
            raise files.missing(["images/NAME.png"])
        if len(names) != COUNT:
            raise InputError(
                "LES-AV is not whole",
                expected=f"{COUNT} images in {files.root / 'images'}",
                got=len(names),
                fix=f"copy or unpack it again; for a part of it: {_as_folder(files)}; then train with the same "
                "settings",
            )

        def case(name: str) -> Case:
            label = variants(_LABELS, [name], _ENDINGS)
            mask = variants(["masks", "mask"], [f"{name}_mask", name], [".gif", ".png"])
            return Case(
                name=name,
                image=files.require(*variants(["images"], [name], _ENDINGS)),
                label=files.require(*label),
                mask=files.find(*mask),
            )

        return self.split(names).map(case)


def _as_folder(files: DatasetFiles) -> str:
    """The command that checks what is there as a folder of the user's own."""
    labels = next((name for name in _LABELS if files.has_folder(name)), _LABELS[0])
    return command("data check", "data=folder", f"data.source.root={files.root}", f"data.labels={labels}")
