"""What a trained model's first look at new images is made with."""

import torch

from fundus_unet.inference.vessel_scale import VesselScale
from fundus_unet.runs.trained_ensemble import TrainedEnsemble
from fundus_unet.runs.trained_model import AUTO, TrainedModel


def vessel_scale(
    model: TrainedModel | TrainedEnsemble,
    device: torch.device,
    precision: str,
    tile: int | None,
    scale: str | float = AUTO,
) -> VesselScale | None:
    """What brings new images to the size at which their vessels are as wide as in training; None where nothing does.

    Args:
        precision, tile: As for `TrainedModel.predictor`. There is no test-time augmentation: a calibre gains nothing.
    """
    calibre, look_at = model.vessel_calibre(scale), model.preprocessor(scale).fov_diameter
    if calibre is None or look_at is None:
        return None
    return VesselScale(model.predictor(device, precision, tile, "none"), look_at, calibre, model.vessel_from)
