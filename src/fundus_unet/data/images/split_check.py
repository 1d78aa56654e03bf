"""Check the files of every split before training, so that none is found unusable after it."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.images.decoding import size_of
from fundus_unet.data.images.reading import read_image, read_label, read_mask

MOST_TOLD = 50


def check_splits(splits: Splits, track: Callable[[Sequence[Case]], Iterable[Case]] = iter) -> None:
    """Read every label, mask and second observer's label, and the size of every image; test images whole.

    Images of training and validation are read whole before training anyway. Test images may have no label.

    Args:
        track: Passes the cases through a progress display.

    Raises:
        InputError: That lists every file that is missing, cannot be read, has another size than its image, or is no
            label of vessels.
    """
    cases = [*splits.train, *splits.val, *splits.test]
    split_of = {case.name: split for split in ("train", "val", "test") for case in getattr(splits, split)}
    found = [
        (split_of[case.name], problem) for case in track(cases) for problem in _problems(case, split_of[case.name])
    ]
    if len(found) == 1:
        raise found[0][1]
    if found:
        told = [f"{split}: {_without_advice(problem)}" for split, problem in found[:MOST_TOLD]]
        more = [f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else []
        raise InputError(
            f"{len(found)} files of the data set cannot be used; nothing was trained",
            got="\n    ".join(["", *told, *more]),
            fix="replace these files, or leave their images out",
        )


def _problems(case: Case, split: str) -> Iterator[InputError]:
    try:
        shape = read_image(case.image).shape[:2] if split == "test" else size_of(case.image)
    except InputError as error:
        yield error
        return
    if case.label is None and split != "test":
        yield InputError(f"{case.name} has no label", expected="a label file", got=f"only {case.image}")
    for path, read in ((case.label, read_label), (case.mask, read_mask), (case.second_label, read_label)):
        if path is not None:
            try:
                read(path, shape)
            except InputError as error:
                yield error


def _without_advice(problem: InputError) -> str:
    return "; ".join(line.strip() for line in str(problem).splitlines() if not line.startswith("  what to do"))
