"""Check the files of every split before training, so that none is found unusable after it."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from fundus_unet.core.errors import InputError, together
from fundus_unet.data.case import Case, Splits
from fundus_unet.data.images.decoding import size_of
from fundus_unet.data.images.reading import read_image, read_label, read_mask


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
    tested = {case.name for case in splits.test}
    found = [problem for case in track(cases) for problem in _problems(case, case.name in tested)]
    if found:
        raise together(found, "files of the data set cannot be used; nothing was trained", _line)


def _problems(case: Case, tested: bool) -> Iterator[InputError]:
    try:
        shape = read_image(case.image).shape[:2] if tested else size_of(case.image)
    except InputError as error:
        yield error
        return
    if case.label is None and not tested:
        yield InputError(f"{case.name} has no label", expected="a label file", got=f"only {case.image}")
    for path, read in ((case.label, read_label), (case.mask, read_mask), (case.second_label, read_label)):
        if path is not None:
            try:
                read(path, shape)
            except InputError as error:
                yield error


def _line(error: InputError) -> str:
    expected = "" if error.expected is None else f"expected {error.expected}, "
    return f"{error.problem} ({expected}got {error.got})"
