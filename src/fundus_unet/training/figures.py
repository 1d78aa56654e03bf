"""Prediction figures and the precision-recall curve in TensorBoard."""

from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor

from fundus_unet.core.errors import InputError
from fundus_unet.drawing.grid import prediction_grid
from fundus_unet.metrics.segmentation import confusion_at, precision_recall_curve

CURVE_POINTS = 127


class PredictionFigures(Callback):
    """After each validation, shows the first validation images, and the precision-recall curve over all of them.

    Args:
        images: How many, of those that the first process validates with; each is shown with its label, the probability
            and the errors, two by two.

    Raises:
        InputError: For a negative number.
    """

    def __init__(self, images: int = 2) -> None:
        if images < 0:
            raise InputError("the number of figures is negative", expected="callbacks.figures.images >= 0")
        self.images = images

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: Any,
        outputs: Any,
        batch: dict[str, Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        writer = _writer(trainer)
        if writer is None or not trainer.is_global_zero or batch_idx >= self.images or trainer.sanity_checking:
            return
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        sample = datamodule.val[batch_idx]
        grid = prediction_grid(
            sample.working.image,
            sample.label,
            outputs[0, 0].float().cpu().numpy(),
            sample.field_of_view,
        )
        writer.add_image(f"validation/{sample.case.name}", grid, trainer.global_step, dataformats="HWC")

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: Any) -> None:
        writer = _writer(trainer)
        if writer is None or trainer.sanity_checking:
            return
        with pl_module.val_scores.sync_context():
            histogram = pl_module.val_scores.histogram.clone()  # of all processes
        if not trainer.is_global_zero:
            return
        curve = precision_recall_curve(histogram, CURVE_POINTS)
        counts = [confusion_at(histogram, float(threshold)) for threshold in curve.threshold]
        writer.add_pr_curve_raw(
            "validation/precision_recall",
            true_positive_counts=[count.tp for count in reversed(counts)],
            false_positive_counts=[count.fp for count in reversed(counts)],
            true_negative_counts=[count.tn for count in reversed(counts)],
            false_negative_counts=[count.fn for count in reversed(counts)],
            precision=curve.precision.flip(0),
            recall=curve.recall.flip(0),
            global_step=trainer.global_step,
            num_thresholds=CURVE_POINTS,
        )


def _writer(trainer: Trainer) -> Any:
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            return logger.experiment
    return None
