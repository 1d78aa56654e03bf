"""The threshold that goes with a run's checkpoint."""

from fundus_unet.inference.predictor import Predictor
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.load import load_preprocessor
from fundus_unet.runs.run_directory import RunDirectory


def validation_threshold(run: RunDirectory, predictor: Predictor, checkpoint: str) -> float:
    """The threshold chosen on the run's own validation images: read where training kept it, else computed."""
    if checkpoint == "best" and run.finished:
        return run.threshold
    from fundus_unet.inference.evaluation import choose_threshold  # with torchmetrics, a second of imports

    cases = splits_of(run.config.data, trusted=False).val
    return choose_threshold(predictor, load_preprocessor(run.config), cases)
