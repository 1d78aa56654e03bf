"""The splits that the group `data` of a configuration describes."""

from omegaconf import DictConfig

from fundus_unet.data.case import Splits
from fundus_unet.data.cross_validation import cross_validation
from fundus_unet.runs.build import build


def splits_of(data: DictConfig, *, trusted: bool) -> Splits:
    """The data set's own splits; with `folds`, those of one fold of a cross-validation over all its labelled images.

    Args:
        trusted: As in `build`.

    Raises:
        InputError: Where files are missing, or the folds or the set cannot be made.
    """
    splits: Splits = build(data.source, trusted=trusted).splits()
    folds = data.get("folds")
    return splits if folds is None else cross_validation(splits, folds, data.get("fold", 0))
