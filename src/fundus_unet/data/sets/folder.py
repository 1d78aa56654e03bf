"""A folder of your own images with labels, paired by their names: most sets need no code.

Layout: `images/` and `labels/`, and where you have them `masks/` (field of view) and `labels2/` (second observer), or
what `images`, `labels`, `masks` and `labels2` name instead: a folder (`Ground truth`), or a pattern (`*_1stHO.png`)
whose `*` is the name that image and label share. In folders an image and its label have one name before the ending;
names that all begin or end alike are understood (`eye7_manual1` for `eye7`). Hidden files and those of other formats
are passed over.
Splits: where `train/` (or `training/`) exists, the same is looked for in there, in `val/` and in `test/`; a missing
`val/` is taken from `train/`, a missing `test/` leaves nothing to test, and `test/` may come without labels. Otherwise
the images are dealt out by fractions.
Persons: `subjects` is a pattern of the images' names whose `*` is the person (`Image_*?` for `Image_01L`); the images
of one are never in two parts. Without it, images of one person may be, and the test result will be too good.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rich.console import Console

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.sets.dealing import deal_out
from fundus_unet.data.sets.folder_files import FolderFiles, Places
from fundus_unet.data.sets.patterns import matched

PARTS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}


@dataclass
class Folder:
    """The user's own images below `root`.

    Args:
        images: A folder or pattern, relative to `root` or absolute; None: `images`. So are `labels`, `masks` and
            `labels2`; the last two may be absent where they are None.
        subjects: Pattern of an image's name whose `*` is the person it shows.
        groups: The same for a group, such as a disease, of which every fold of `data.folds` gets its share.

    Raises:
        InputError: For a fraction outside 0 to 1, and from `splits()` for a missing folder, no images, an image or
            label without its partner, or two files with one name.
    """

    root: str | Path
    images: str | None = None
    labels: str | None = None
    masks: str | None = None
    labels2: str | None = None
    subjects: str | None = None
    groups: str | None = None
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
        places = Places(self.images, self.labels, self.masks, self.labels2)
        parts = {part: _part(root, names) for part, names in PARTS.items()}
        if parts["train"].is_dir() and (places.has_images(parts["train"]) or not places.has_images(root)):
            return self._of_parts(places, parts)
        files = FolderFiles(root, places)
        cases = self._cases(files)
        splits = self._deal(cases, self.test_fraction).map(cases.__getitem__)
        places.check_used([files])
        _say(files)
        return splits

    def _of_parts(self, places: Places, folders: dict[str, Path]) -> Splits:
        present = [part for part, folder in folders.items() if part != "test" and folder.is_dir()]
        files = {part: FolderFiles(folders[part], places) for part in present}
        reason = None
        if not folders["test"].is_dir():
            reason = (
                f"there is no test image: put some into {folders['test'] / places.images}, their labels into "
                f"{folders['test'] / places.labels}"
            )
        else:
            labelled = places.has_labels(folders["test"])
            files["test"] = FolderFiles(folders["test"], places, labelled=labelled)
            if not labelled:
                reason = f"the test images have no labels: put them into {folders['test'] / places.labels}"
        places.check_used(list(files.values()))
        prefixed = _names_clash(files)
        cases = {part: self._cases(one, f"{part}_" if prefixed else "") for part, one in files.items()}
        _say(*files.values())
        train, test = cases["train"], tuple(cases.get("test", {}).values())
        if "val" in cases:
            return Splits(tuple(train.values()), tuple(cases["val"].values()), test, test_reason=reason)
        learned = self._deal(train, test_fraction=0).map(train.__getitem__)
        return Splits(learned.train, learned.val, test, test_reason=reason)

    def _cases(self, files: FolderFiles, prefix: str = "") -> dict[str, Case]:
        """The cases of one folder, by name in sorted order."""
        return {
            f"{prefix}{name}": Case(
                f"{prefix}{name}",
                image,
                files.labels.get(name),
                files.masks.get(name),
                files.labels2.get(name),
                subject=_part_of_name("subjects", self.subjects, name),
                group=_part_of_name("groups", self.groups, name),
            )
            for name, image in files.images.items()
        }

    def _deal(self, cases: dict[str, Case], test_fraction: float) -> SplitNames:
        subjects = {name: case.subject for name, case in cases.items()}
        return deal_out(tuple(cases), self.val_fraction, test_fraction, self.split_seed, subjects)


def _part(root: Path, names: tuple[str, ...]) -> Path:
    """The folder of a part under one of its usual names; the first where none is there."""
    return next((root / name for name in names if (root / name).is_dir()), root / names[0])


def _names_clash(files: dict[str, FolderFiles]) -> bool:
    """Whether parts count from 1 anew: other images of the same name. The same image in two parts stays an error."""
    seen: dict[str, Path] = {}
    clash = False
    for one in files.values():
        for name, path in one.images.items():
            if name in seen:
                if path.stat().st_size == seen[name].stat().st_size and path.read_bytes() == seen[name].read_bytes():
                    return False
                clash = True
            seen[name] = path
    return clash


def _part_of_name(setting: str, pattern: str | None, name: str) -> str | None:
    if pattern is None:
        return None
    plain = pattern.replace("(*)", "*")
    captured = matched(plain, name) or ()
    marked = [before.endswith("(") for before in pattern.split("*")[:-1]] if plain != pattern else []
    chosen = [text for text, is_meant in zip(captured, marked or [True] * len(captured), strict=False) if is_meant]
    if not "".join(chosen):
        raise InputError(
            f"data.source.{setting} does not fit the image {name}",
            expected="a pattern of every image's name in which * is the part that is meant (or (*), of several), and "
            "? one character",
            got=f"data.source.{setting}={pattern}",
            fix="for Image_01L, 'Image_*?' is 01",
        )
    return "_".join(chosen)


@cache
def _told(text: str) -> None:
    Console().print(text, soft_wrap=True, highlight=False, markup=False)


def _say(*files: FolderFiles) -> None:
    """Once in a process, which affixes were found: the user sees whether names are read as they are meant."""
    for reading in dict.fromkeys(reading for one in files for reading in one.readings):
        _told(reading)
