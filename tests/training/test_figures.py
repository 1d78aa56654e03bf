"""What TensorBoard shows after a validation, read back from its files."""

import cv2
import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray
from torch import nn

from data.layouts import write_folder
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import ImageStore
from fundus_unet.data.patches.augmentation import Augmentation
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.data.sets.folder import Folder
from fundus_unet.drawing.grid import prediction_grid
from fundus_unet.inference.predictor import Predictor
from fundus_unet.losses.bce_dice import BCEDiceLoss
from fundus_unet.metrics.vessel_scores import VesselScores
from fundus_unet.training.figures import CURVE_POINTS, PredictionFigures
from fundus_unet.training.segmenter import VesselSegmenter

pytestmark = pytest.mark.filterwarnings("ignore")

HALF = Preprocessor(scale=0.5)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    splits = Folder(write_folder(tmp_path_factory.mktemp("eyes"), count=6), val_fraction=0.4).splits()
    return [ImageStore(cases, HALF) for cases in (splits.train, splits.val)]


def fit(stores, logger, samples: int, epochs: int = 1, sanity_steps: int = 0) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Conv2d(3, 1, 1)
    model = VesselSegmenter(
        network,
        BCEDiceLoss(),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        lambda optimizer, total_steps: torch.optim.lr_scheduler.ConstantLR(optimizer),
        VesselScores(),
    )
    data = FundusDataModule(*stores, Augmentation(), patch_size=16, batch_size=2, steps_per_epoch=3, workers=0, seed=0)
    Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        callbacks=[PredictionFigures(samples)],
        logger=logger,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=sanity_steps,
        use_distributed_sampler=False,
    ).fit(model, data)
    return network


def events(folder) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"images": 0, "tensors": 0})
    return accumulator.Reload()


@pytest.fixture(scope="module")
def written(stores, tmp_path_factory):
    folder = tmp_path_factory.mktemp("events")
    network = fit(stores, TensorBoardLogger(folder, name="", version=""), samples=1, epochs=2, sanity_steps=1)
    return events(folder), network


def test_the_first_images_after_each_validation(written, stores):
    accumulator, network = written
    tag = f"validation/{stores[1].cases[0].name}"
    assert accumulator.Tags()["images"] == [tag]
    images = accumulator.Images(tag)
    assert [image.step for image in images] == [3, 6], "and none of the sanity check"
    shown = cv2.imdecode(np.frombuffer(images[-1].encoded_image_string, np.uint8), cv2.IMREAD_COLOR_RGB)
    sample = stores[1][0]
    probability = Predictor(network, torch.device("cpu"), None).probability(sample.working, sample.field_of_view)
    expected = prediction_grid(sample.working.image, sample.label, probability, sample.field_of_view)
    np.testing.assert_allclose(shown.astype(int), expected, atol=1)


def test_the_precision_recall_curve(written, stores):
    curves = written[0].Tensors("validation/precision_recall")
    assert [curve.step for curve in curves] == [3, 6]
    tp, fp, tn, fn, precision, recall = make_ndarray(curves[-1].tensor_proto)
    assert len(recall) == CURVE_POINTS
    assert recall[0] == pytest.approx(1), "TensorBoard lists thresholds upwards, so recall falls"
    assert (np.diff(recall) <= 0).all()
    assert (np.diff(tp + fp) <= 0).all()
    np.testing.assert_allclose(tp / (tp + fn), recall, rtol=1e-5)
    np.testing.assert_allclose(tp / (tp + fp), precision, rtol=1e-5)
    inside = [(photo.label[photo.field_of_view] > 0) for photo in stores[1]]
    assert (tp + fn == sum(part.sum() for part in inside)).all()
    assert (tn + fp == sum((~part).sum() for part in inside)).all()


def test_two_images_are_asked_for(stores, tmp_path):
    fit(stores, TensorBoardLogger(tmp_path, name="", version=""), samples=2)
    assert events(tmp_path).Tags()["images"] == [f"validation/{case.name}" for case in stores[1].cases]


def test_without_tensorboard_nothing_is_drawn(stores, monkeypatch):
    monkeypatch.setattr("fundus_unet.training.figures.prediction_grid", lambda *_: pytest.fail("drawn"))
    fit(stores, False, samples=2)


def test_a_negative_number():
    with pytest.raises(InputError, match="images >= 0"):
        PredictionFigures(-1)
