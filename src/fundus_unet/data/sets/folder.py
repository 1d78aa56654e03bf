"""A folder of your own images with labels, paired by the name before the ending (the stem).

Layout: `images/` and `labels/`, and where you have them `masks/` (field of view) and `labels2/` (second observer). The
files of an image have one stem: `images/eye7.jpg`, `labels/eye7.png`. Other files and hidden ones are passed over.
Splits: where `train/` exists, `train/images/`, `train/labels/`, ... and so on for `val/` and `test/`; a missing `val/`
is taken from `train/`, a missing `test/` leaves nothing to test, and `test/` may come without labels. Otherwise the
images are dealt out by fractions.
Caveats: dealing out knows no patients. Where several images show one patient, use the three folders and keep
each patient in one of them, or the test result will be too good.
"""

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.images.decoding import SUFFIXES
from fundus_unet.data.sets.locate import list_folder


def deal_out(names: tuple[str, ...], val_fraction: float, test_fraction: float, seed: int) -> SplitNames:
    """Deal names out in a shuffled order that depends on the seed and the names alone, on every machine and version.

    Validation and test get at least one name each; with `test_fraction` 0 test stays empty.

    Raises:
        InputError: Where nothing would be left to learn from.
    """
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    tested = max(1, round(len(names) * test_fraction)) if test_fraction else 0
    held_out = tested + max(1, round(len(names) * val_fraction))
    if held_out >= len(names):
        raise InputError(
            f"{len(names)} images are too few to deal out",
            expected=f"more than {held_out}: at least one each to learn from, to validate"
            + (" and to test" if tested else ""),
            got=f"{len(names)} with val_fraction={val_fraction} and test_fraction={test_fraction}",
            fix="add images with labels, or lower the fractions",
        )
    test, val, train = shuffled[:tested], shuffled[tested:held_out], shuffled[held_out:]
    return SplitNames(tuple(sorted(train)), tuple(sorted(val)), tuple(sorted(test)))


@dataclass
class Folder:
    """The user's own images below `root`.

    Raises:
        InputError: For a fraction outside 0 to 1, and from `splits()` for a missing folder, no images, a image or
            label without its partner, or two files with one stem.
    """

    root: str | Path
    val_fraction: float = 0.15
    test_fraction: float = 0.15
    split_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("val_fraction", "test_fraction"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InputError(
                    f"{name} is out of range",
                    expected="a number above 0 and below 1",
                    got=value,
                    fix=f"set data.source.{name}, for example to 0.15",
                )

    def splits(self) -> Splits:
        root = Path(self.root).expanduser().absolute()
        if not (root / "train").is_dir():
            cases = _cases(root)
            return self._deal(cases, self.test_fraction).map(cases.__getitem__)
        train = _cases(root / "train")
        if (root / "val").is_dir():
            learned = Splits(tuple(train.values()), tuple(_cases(root / "val").values()), test=())
        else:
            learned = self._deal(train, test_fraction=0).map(train.__getitem__)
        test, reason = _test_cases(root / "test")
        return Splits(learned.train, learned.val, test, test_reason=reason)

    def _deal(self, cases: dict[str, Case], test_fraction: float) -> SplitNames:
        return deal_out(tuple(cases), self.val_fraction, test_fraction, self.split_seed)


def _test_cases(folder: Path) -> tuple[tuple[Case, ...], str | None]:
    if not folder.is_dir():
        return (
            (),
            f"there is no test image: put some into {folder / 'images'}, their labels into {folder / 'labels'}",
        )
    labelled = (folder / "labels").is_dir()
    reason = None if labelled else f"the test images have no labels: put them into {folder / 'labels'}"
    return tuple(_cases(folder, labelled).values()), reason


def _cases(folder: Path, labelled: bool = True) -> dict[str, Case]:
    """The cases of one folder with `images/`, by name in sorted order."""
    images = _by_stem(folder / "images", required=True)
    labels = _by_stem(folder / "labels", required=labelled)
    masks, seconds = _by_stem(folder / "masks"), _by_stem(folder / "labels2")
    if labelled:
        _check_partners("image", images, "label", labels, folder / "labels")
    for kind, files in (("label", labels), ("field-of-view mask", masks), ("second observer's label", seconds)):
        _check_partners(kind, files, "image", images, folder / "images")
    return {
        stem: Case(stem, image, labels.get(stem), masks.get(stem), seconds.get(stem)) for stem, image in images.items()
    }


def _by_stem(folder: Path, required: bool = False) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name in list_folder(folder):
        path = folder / name
        if name.startswith(".") or path.suffix.lower() not in SUFFIXES or not path.is_file():
            continue
        if path.stem in found:
            raise InputError(
                f"two files in {folder} have the stem {path.stem!r}",
                expected="one file for each image",
                got=f"{found[path.stem].name} and {name}",
                fix="remove or rename one of them",
            )
        found[path.stem] = path
    if required and not found:
        raise InputError(
            f"there are no images in {folder}",
            expected=f"files that end in {' '.join(SUFFIXES)}",
            got="no such folder" if not folder.is_dir() else f"{len(list_folder(folder))} other entries",
            fix="set data.source.root=/your/folder to the one that holds images/ and labels/",
        )
    return found


def _check_partners(kind: str, files: dict[str, Path], other: str, others: dict[str, Path], where: Path) -> None:
    alone = [stem for stem in files if stem not in others]
    if not alone:
        return
    stem = alone[0]
    left_over = [name for name in others if name not in files]
    near = _nearest(stem, left_over)
    more = f" ({len(alone)} of {len(files)} have none)" if len(alone) > 1 else ""
    raise InputError(
        f"the {kind} {files[stem]} has no {other}{more}",
        expected=f"a file with the stem {stem!r} in {where}",
        got=f"{len(others)} files there, none of that stem",
        fix=f"rename or add the {other}" + (f"; did you mean {near!r}?" if near else ""),
    )


def _nearest(stem: str, options: list[str]) -> str | None:
    """The option that continues the stem (`eye7_manual` for `eye7`), or else the one written most alike."""
    longer = [option for option in options if option.startswith(stem)]
    return min(longer, key=len) if longer else next(iter(difflib.get_close_matches(stem, options, n=1)), None)
