"""Uncertainty ranks errors: wrong pixels have more of it than right ones."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.reading import read_image, read_label
from fundus_unet.data.synthetic.generate import generate_fundus
from fundus_unet.inference.new_image import prepare_new_image
from fundus_unet.inference.sources import Source
from fundus_unet.metrics.histogram import probability_histogram
from fundus_unet.metrics.segmentation import auroc
from fundus_unet.runs.trained_model import TrainedModel, load_trained

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    return load_trained(None)


def rank_of_errors(model: TrainedModel, image: np.ndarray, label: np.ndarray, fov_diameter: float) -> float:
    """AUROC of the uncertainty, for pixels on the wrong side of the threshold."""
    path = Path("image")
    sample = prepare_new_image(Source(path, path), image, Preprocessor(fov_diameter=fov_diameter))
    predictor = model.predictor(CPU, "32-true", None, "flips")
    (maps,) = predictor.maps([sample.working], [sample.field_of_view], uncertainty=True)
    wrong = (maps.probability >= model.threshold) != (label > 0)
    arrays = (np.minimum(2 * maps.uncertainty, 1), wrong, sample.field_of_view)
    return auroc(probability_histogram(*(torch.from_numpy(array) for array in arrays)))


@pytest.mark.parametrize("seed", [5, 6])
def test_of_synthetic_images(model, seed):
    fundus = generate_fundus(seed, 384)
    assert rank_of_errors(model, fundus.image, fundus.label, 384) > 0.75


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("name", ["Image_12L", "Image_14R"])
def test_of_real_images_never_trained_on(model, real_data, name):
    folder = real_data / "CHASE_DB1"
    image = read_image(folder / f"{name}.jpg")
    assert rank_of_errors(model, image, read_label(folder / f"{name}_1stHO.png", image.shape[:2]), 512) > 0.85
