"""The splits that the group `data` of a configuration describes."""

from omegaconf import DictConfig

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import MissingFilesError, Splits
from fundus_unet.data.cross_validation import cross_validation
from fundus_unet.runs.build import build


def splits_of(data: DictConfig, *, trusted: bool) -> Splits:
    """The data set's own splits; with `folds`, those of one fold of a cross-validation over all its labelled images.

    Args:
        trusted: As in `build`.

    Raises:
        InputError: Where files are missing, or the folds or the set cannot be made.
    """
    return _folded(build(data.source, trusted=trusted).splits(), data)


def whole_splits_of(data: DictConfig, *, trusted: bool) -> tuple[Splits, dict[str, InputError]]:
    """As `splits_of`, of the images that have all their files; and what is missing of the others, by their names."""
    try:
        return splits_of(data, trusted=trusted), {}
    except MissingFilesError as error:
        return _folded(error.whole, data), error.errors


def _folded(splits: Splits, data: DictConfig) -> Splits:
    folds = data.get("folds")
    return splits if folds is None else cross_validation(splits, folds, data.get("fold", 0))
