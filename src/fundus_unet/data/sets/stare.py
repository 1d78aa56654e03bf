"""STARE, Structured Analysis of the Retina: the 20 images whose vessels two observers drew; ten show disease.

Images: `stare-images/im0001.ppm`, 700 x 605 pixels (width x height), 35 degree field of view, TopCon TRV-50,
digitised slides. The ids are not consecutive.
Labels: `labels-ah/im0001.ah.ppm` (Adam Hoover, the reference) and `labels-vk/im0001.vk.ppm` (Valentina Kouznetsova, the
second observer, who drew many more fine vessels).
Masks: none; the field of view is estimated.
Variants: the three folders above (or `images/`, `labels/`), or all files in one; each file plain, still packed as
`.ppm.gz`, or converted to PNG or TIFF.
Splits: `first10` (first ten ids to learn from, of these the last two are validation; last ten to test) and
`leave_one_out` (`fold` 0 to 19 is the one test image, the next two ids are validation; `data.folds=20` leaves each out
too, with three of validation).
Licence: none stated; made available for research by Clemson University.
Source: A. Hoover, V. Kouznetsova, M. Goldbaum, "Locating Blood Vessels in Retinal Images by Piecewise Threshold Probing
of a Matched Filter Response", IEEE Transactions on Medical Imaging 19(3):203-210, 2000.
Caveats: the labels are raw PGM (P5) although they end in `.ppm`.
"""

from collections.abc import Callable
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.sets.locate import DatasetFiles, Origin, pick_split, variants

ORIGIN = Origin.of("stare")

_NUMBERS = "0001 0002 0003 0004 0005 0044 0077 0081 0082 0139 0162 0163 0235 0236 0239 0240 0255 0291 0319 0324"
NAMES = tuple(f"im{number}" for number in _NUMBERS.split())


def first10() -> SplitNames:
    """The first ten ids to learn from, the last ten to test."""
    return SplitNames(train=NAMES[:8], val=NAMES[8:10], test=NAMES[10:])


def leave_one_out(fold: int) -> SplitNames:
    """Raises: InputError for a fold outside 0 to 19."""
    if fold not in range(len(NAMES)):
        raise InputError(
            f"STARE has no fold {fold!r}",
            expected=f"a whole number from 0 to {len(NAMES) - 1}, one for each image",
            got=repr(fold),
            fix="set data.source.fold to one of them; run all 20 for the whole protocol",
        )
    test, *val = (NAMES[(fold + step) % len(NAMES)] for step in range(3))
    return SplitNames(
        train=tuple(name for name in NAMES if name not in (test, *val)),
        val=tuple(val),
        test=(test,),
    )


class Stare:
    """STARE below `root`, the folder that holds the three folders or all files, or its parent.

    `fold` counts with `leave_one_out` only.

    Raises:
        InputError: For an unknown split or fold, and from `splits()` for a missing file.
    """

    def __init__(self, root: str | Path, split: str = "first10", fold: int = 0) -> None:
        self.root = root
        options: dict[str, Callable[[], SplitNames]] = {
            "first10": first10,
            "leave_one_out": lambda: leave_one_out(fold),
        }
        self.names = pick_split("STARE", split, options)()

    def splits(self) -> Splits:
        files = DatasetFiles(self.root, ORIGIN, expected=[_paths("images", name) for name in NAMES])
        has_second = files.has_any(_paths("labels-vk", f"{name}.vk") for name in NAMES)

        def case(name: str) -> Case:
            return Case(
                name=name,
                image=files.require(*_paths("images", name)),
                label=files.require(*_paths("labels-ah", f"{name}.ah")),
                second_label=files.require(*_paths("labels-vk", f"{name}.vk")) if has_second else None,
            )

        return self.names.map(case)


_FOLDERS = {
    "images": ("stare-images", "images", "image"),
    "labels-ah": ("labels-ah", "labels", "label", "1st_manual"),
    "labels-vk": ("labels-vk", "labels2", "labels", "2nd_manual"),
}


def _paths(kind: str, name: str) -> tuple[str, ...]:
    return variants([*_FOLDERS[kind], ""], [name], [".ppm", ".ppm.gz", ".png", ".tif"])
