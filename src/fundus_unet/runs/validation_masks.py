"""The masks that go with a run's checkpoint."""

from dataclasses import replace

from fundus_unet.core.errors import InputError
from fundus_unet.inference.predictor import Predictor
from fundus_unet.metrics.mask_choice import ChosenMasks
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.load import load_preprocessor
from fundus_unet.runs.run_directory import RunDirectory


def validation_masks(run: RunDirectory, predictor: Predictor, checkpoint: str) -> ChosenMasks:
    """The masks chosen on the run's own validation images: read where training kept them, else computed.

    A run of before kept a threshold alone: it has no hysteresis where its validation images cannot be read now.

    Raises:
        InputError: Where another checkpoint's cannot be computed, or what was kept is damaged.
    """
    kept = run.masks if checkpoint == "best" and run.finished else None
    if kept is None:
        return _computed(run, predictor)
    if kept.hysteresis is not None:
        return kept
    try:
        return replace(kept, hysteresis=_computed(run, predictor).hysteresis)
    except InputError:
        return kept


def _computed(run: RunDirectory, predictor: Predictor) -> ChosenMasks:
    from fundus_unet.inference.evaluation import choose_masks  # with torchmetrics, a second of imports

    cases = splits_of(run.config.data, trusted=False).val
    return choose_masks(predictor, load_preprocessor(run.config), cases)
