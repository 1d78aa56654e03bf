"""FIVES: 800 images of four groups, the largest public set with vessels segmented by hand.

Images: `train/Original/1_A.png` and so on (600) and `test/Original/1_A.png` (200), 2048 x 2048 pixels, Topcon
TRC-NW8. The letter is the disease, of 200 images each: A age-related macular degeneration, D diabetic retinopathy, G
glaucoma, N normal. Numbers begin anew in `test/`, so that images are called `train_1_A` and `test_1_A` here.
Labels: `train/Ground truth/1_A.png`, 0 and 255, by 24 annotators and checked by three.
Masks: none; the field of view is estimated.
Splits: `official`, 600 and 200; of the 600, the last tenth of each disease by number is validation. Neighbouring
numbers may show one person, who is not named, so that a block leaks less than a shuffled choice.
Working resolution: 800 pixels across the field of view of 50 degrees, 16 to a degree as CHASE_DB1's 512 across 30
degrees; the thinnest vessels are some 5 pixels wide in the original, and 2 there.
Licence: CC BY 4.0.
Source: K. Jin et al., "FIVES: A Fundus Image Dataset for Artificial Intelligence based Vessel Segmentation", Scientific
Data 9:475, 2022.
Caveats: some persons have several images, and which is not published.
"""

from collections.abc import Sequence
from pathlib import Path

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import command
from fundus_unet.data.case import Case, SplitNames, Splits
from fundus_unet.data.sets.locate import DatasetFiles, Origin, pick_split, variants

ORIGIN = Origin.of("fives")
COUNTS = {"train": 600, "test": 200}
DISEASES = ("A", "D", "G", "N")
_IMAGES = ("Original", "images")
_LABELS = ("Ground truth", "GroundTruth", "labels")
_ENDINGS = (".png", ".jpg", ".tif")


def official(names: Sequence[str]) -> SplitNames:
    """The split of images that are called `train_1_A`, `test_1_A` and so on, by their names alone."""
    train, val = [], []
    for disease in DISEASES:
        own = sorted((name for name in names if name.startswith("train_") and group_of(name) == disease), key=_number)
        chosen = max(1, len(own) // 10) if len(own) > 1 else 0
        train += own[: len(own) - chosen]
        val += own[len(own) - chosen :]
    test = sorted(
        (name for name in names if name.startswith("test_")), key=lambda name: (group_of(name), _number(name))
    )
    return SplitNames(tuple(train), tuple(val), tuple(test))


def group_of(name: str) -> str:
    """The letter of the disease: `train_1_A` -> `A`."""
    return name.rpartition("_")[2]


SPLITS = {"official": official}


class Fives:
    """FIVES below `root`, the folder that holds `train/` and `test/`, or its parent.

    Raises:
        InputError: For an unknown split, and from `splits()` for missing files.
    """

    def __init__(self, root: str | Path, split: str = "official") -> None:
        self.root = root
        self.split = pick_split("FIVES", split, SPLITS)

    def splits(self) -> Splits:
        files = DatasetFiles(self.root, ORIGIN, or_folders=[f"train/{folder}" for folder in _IMAGES])
        names = [f"{part}_{stem}" for part in COUNTS for stem in _stems(files, part)]

        def case(name: str) -> Case:
            return Case(
                name=name,
                image=files.require(*_image(name)),
                label=files.require(*_paths(name, _LABELS)),
                group=group_of(name),
            )

        return self.split(names).map(case)


def _stems(files: DatasetFiles, part: str) -> list[str]:
    """The names of a part.

    Raises:
        InputError: Where it is not whole, or has files of other names.
    """
    stems = next((found for folder in _IMAGES if (found := files.names(f"{part}/{folder}", _ENDINGS))), [])
    if not stems:
        raise files.missing(_image(f"{part}_1_A"))
    odd = [stem for stem in stems if not _is_name(stem)]
    if odd or len(stems) != COUNTS[part]:
        raise InputError(
            f"FIVES: {part}/ is not as it was published",
            expected=f"{COUNTS[part]} images called 1_A and so on, with one of the letters {', '.join(DISEASES)}",
            got=f"{len(stems)} in {files.root / part}" + (f", such as {odd[0]}" if odd else ""),
            fix=f"copy or unpack it again; for a part of it, or other files: {_as_folder(files)}; then train with the "
            "same settings",
        )
    return stems


def _as_folder(files: DatasetFiles) -> str:
    """The command that checks what is there as a folder of the user's own."""
    images, labels = (
        next((name for name in names if files.has_folder(f"train/{name}")), names[0]) for names in (_IMAGES, _LABELS)
    )
    settings = (f"data.source.root={files.root}", f"data.images={images}", f"data.labels={labels}")
    return command("data check", "data=folder", *settings)


def _is_name(stem: str) -> bool:
    number, _, disease = stem.partition("_")
    return number.isascii() and number.isdigit() and disease in DISEASES


def _number(name: str) -> int:
    return int(name.split("_")[1])


def _image(name: str) -> tuple[str, ...]:
    return _paths(name, _IMAGES)


def _paths(name: str, folders: Sequence[str]) -> tuple[str, ...]:
    part, _, stem = name.partition("_")
    return variants([f"{part}/{folder}" for folder in folders], [stem], _ENDINGS)
