"""DRIVE, Digital Retinal Images for Vessel Extraction: 40 images from a Dutch screening programme.

Images: `training/images/21_training.tif` to `40_training.tif`, `test/images/01_test.tif` to `20_test.tif`,
565 x 584 pixels (width x height), 45 degree field of view, Canon CR5.
Labels: `training/1st_manual/21_manual1.gif`; `test/1st_manual/01_manual1.gif` (the reference) and
`test/2nd_manual/01_manual2.gif` (second observer, the human baseline).
Masks: `training/mask/21_training_mask.gif`, `test/mask/01_test_mask.gif`; a missing one is estimated.
Splits: `official`, 20 and 20; the last 4 of the first 20 are validation.
Licence: research and education only, no redistribution, for people who obtained it from its own site.
Source: J. Staal et al., "Ridge-Based Vessel Segmentation in Color Images of the Retina", IEEE Transactions on Medical
Imaging 23(4):501-509, 2004.
Caveats: the official download has no test labels today (neither `test/1st_manual` nor `test/2nd_manual`); the test
images are 01 to 20, the training images 21 to 40.
"""

from pathlib import Path

from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.sets.locate import DatasetFiles, Origin, pick_split

ORIGIN = Origin.of("drive")

SPLITS = {
    "official": SplitNames(
        train=tuple(f"{number}_training" for number in range(21, 37)),
        val=tuple(f"{number}_training" for number in range(37, 41)),
        test=tuple(f"{number:02d}_test" for number in range(1, 21)),
    )
}


def _path(name: str, folder: str, suffix: str) -> str:
    """`21_training`, `mask`, `_mask.gif` -> `training/mask/21_training_mask.gif`; labels carry the number alone."""
    number, part = name.split("_")
    return f"{part}/{folder}/{number if 'manual' in folder else name}{suffix}"


def _image(name: str) -> str:
    return _path(name, "images", ".tif")


class Drive:
    """DRIVE below `root`, the folder that holds `training/` and `test/`, or its parent.

    Test cases have no label, or there are none, where those files are left out as a whole; `test_reason` says so.

    Raises:
        InputError: For an unknown split, and from `splits()` for a missing file.
    """

    def __init__(self, root: str | Path, split: str = "official") -> None:
        self.root = root
        self.names = pick_split("DRIVE", split, SPLITS)

    def splits(self) -> Splits:
        names = self.names
        files = DatasetFiles(self.root, ORIGIN, expected=[(_image(name),) for name in names.all()])

        def learned(name: str) -> Case:
            return Case(
                name=name,
                image=files.require(_image(name)),
                label=files.require(_path(name, "1st_manual", "_manual1.gif")),
                mask=files.find(_path(name, "mask", "_mask.gif")),
            )

        train, val = tuple(map(learned, names.train)), tuple(map(learned, names.val))
        if files.all_or_none([(_image(name),) for name in names.test]) is None:
            reason = f"DRIVE: no test image is in {files.root / 'test' / 'images'}: {ORIGIN.advice}"
            return Splits(train, val, test=(), test_reason=reason)
        labels = files.all_or_none([(_path(name, "1st_manual", "_manual1.gif"),) for name in names.test])
        seconds = files.all_or_none([(_path(name, "2nd_manual", "_manual2.gif"),) for name in names.test])
        absent = [None] * len(names.test)
        test = tuple(
            Case(name, files.require(_image(name)), label, files.find(_path(name, "mask", "_mask.gif")), second)
            for name, label, second in zip(names.test, labels or absent, seconds or absent, strict=True)
        )
        return Splits(train, val, test, test_reason=None if labels else _no_test_labels(files.root))


def _no_test_labels(root: Path) -> str:
    return (
        f"DRIVE: the test images have no labels, since the official download leaves them out. To score them here, put "
        f"01_manual1.gif to 20_manual1.gif into {root / 'test' / '1st_manual'} (second observer: 01_manual2.gif to "
        f"20_manual2.gif into {root / 'test' / '2nd_manual'}); otherwise upload the predictions to the challenge"
    )
