"""DRIVE, Digital Retinal Images for Vessel Extraction: 40 images from a Dutch screening programme.

Images: `training/images/21_training.tif` to `40_training.tif`, `test/images/01_test.tif` to `20_test.tif`,
565 x 584 pixels (width x height), 45 degree field of view, Canon CR5.
Labels: `training/1st_manual/21_manual1.gif`; `test/1st_manual/01_manual1.gif` (the reference) and
`test/2nd_manual/01_manual2.gif` (second observer, the human baseline).
Masks: `training/mask/21_training_mask.gif`, `test/mask/01_test_mask.gif`; a missing one is estimated.
Variants: files converted to PNG or TIFF. RITE (`AV_groundTruth/`), whose images are these: `training/vessel/` (first
observer, modified) and `training/av/` (arteries and veins, every colour a vessel), both with `21_training.png`, are the
labels of training where `1st_manual/` is missing. RITE's test labels are the second observer's: they are taken for
that where `2nd_manual/` is missing, and are the reference with the split `rite` alone, whose scores are not DRIVE's.
Splits: `official`, 20 and 20; the last 4 of the first 20 are validation. `rite`: the same, with RITE's labels.
Licence: research and education only, no redistribution, for people who obtained it from its own site.
Source: J. Staal et al., "Ridge-Based Vessel Segmentation in Color Images of the Retina", IEEE Transactions on Medical
Imaging 23(4):501-509, 2004. RITE: Q. Hu et al., MICCAI 2013, https://medicine.uiowa.edu/eye/rite-dataset.
Caveats: the official download has no test labels today (neither `test/1st_manual` nor `test/2nd_manual`); the test
images are 01 to 20, the training images 21 to 40.
"""

from pathlib import Path

from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.sets.locate import DatasetFiles, Origin, pick_split, variants

ORIGIN = Origin.of("drive")

_RITE_FOLDERS = ("RITE", "AV_groundTruth")
_NAMES = SplitNames(
    train=tuple(f"{number}_training" for number in range(21, 37)),
    val=tuple(f"{number}_training" for number in range(37, 41)),
    test=tuple(f"{number:02d}_test" for number in range(1, 21)),
)
SPLITS = {"official": _NAMES, "rite": _NAMES}


def _image(name: str) -> tuple[str, ...]:
    return variants([f"{_part(name)}/images"], [name], [".tif", ".png", ".jpg"])


def _manual(name: str, observer: int) -> tuple[str, ...]:
    """`21_training`, 1 -> `training/1st_manual/21_manual1.gif`; labels carry the number alone."""
    folder = f"{_part(name)}/{('1st', '2nd')[observer - 1]}_manual"
    return variants([folder], [f"{name.split('_')[0]}_manual{observer}"], [".gif", ".png", ".tif"])


def _rite(name: str) -> tuple[str, ...]:
    return variants([f"{_part(name)}/vessel", f"{_part(name)}/av"], [name], [".png", ".tif"])


def _mask(name: str) -> tuple[str, ...]:
    return variants([f"{_part(name)}/{folder}" for folder in ("mask", "masks")], [f"{name}_mask"], [".gif", ".png"])


def _part(name: str) -> str:
    return name.split("_")[1]


class Drive:
    """DRIVE below `root`, the folder that holds `training/` and `test/`, or its parent.

    Test cases have no label, or there are none, where those files are left out as a whole; `test_reason` says so.

    Raises:
        InputError: For an unknown split, and from `splits()` for a missing file.
    """

    def __init__(self, root: str | Path, split: str = "official") -> None:
        self.root = root
        self.names = pick_split("DRIVE", split, SPLITS)
        self.is_rite = split == "rite"

    def splits(self) -> Splits:
        names = self.names
        files = DatasetFiles(
            self.root, ORIGIN, expected=[_image(name) for name in names.all()], also_called=_RITE_FOLDERS
        )

        def learned(name: str) -> Case:
            labels = _rite(name) if self.is_rite else (*_manual(name, 1), *_rite(name))
            return Case(name, files.require(*_image(name)), files.require(*labels), files.find(*_mask(name)))

        if not files.has_any(map(_image, names.test)):
            reason = f"DRIVE: no test image is in {files.root / 'test' / 'images'}: {files.advice_for_the_whole}"
            return SplitNames(names.train, names.val, test=()).map(learned, reason)
        rite = files.has_any(map(_rite, names.test))
        has_labels = rite if self.is_rite else files.has_any(_manual(name, 1) for name in names.test)
        has_second = not self.is_rite and files.has_any(_manual(name, 2) for name in names.test)

        def tested(name: str) -> Case:
            label = (_rite(name) if self.is_rite else _manual(name, 1)) if has_labels else None
            second = _manual(name, 2) if has_second else _rite(name) if rite and not self.is_rite else None
            return Case(
                name,
                files.require(*_image(name)),
                files.require(*label) if label else None,
                files.find(*_mask(name)),
                files.require(*second) if second else None,
            )

        return names.map(
            lambda name: tested(name) if name in names.test else learned(name),
            None if has_labels else _no_test_labels(files.root, rite),
        )


def _no_test_labels(root: Path, has_rite: bool) -> str:
    if has_rite:
        return (
            f"DRIVE: the test images have RITE's labels alone, which are the second observer's. To score with these, "
            f"set data.source.split=rite; for scores of DRIVE, put 01_manual1.gif to 20_manual1.gif into "
            f"{root / 'test' / '1st_manual'}"
        )
    return (
        f"DRIVE: the test images have no labels, since the official download leaves them out. To score them here, put "
        f"01_manual1.gif to 20_manual1.gif into {root / 'test' / '1st_manual'} (second observer: 01_manual2.gif to "
        f"20_manual2.gif into {root / 'test' / '2nd_manual'}); otherwise upload the predictions to the challenge"
    )
