"""Probabilities by value, with a network whose logits are known."""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from data.layouts import draw
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.predictor import Predictor

CPU = torch.device("cpu")
WEIGHTS = (0.5, -1.5, 0.25)


class WeightedChannels(nn.Module):
    """Logits are a weighted sum of the channels; only in training, dropout spoils them."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = nn.Conv2d(3, 1, 1)
        nn.init.constant_(self.sum.bias, 0.3)
        self.sum.weight.data = torch.tensor(WEIGHTS).view(1, 3, 1, 1)
        self.dropout = nn.Dropout(0.9)

    def forward(self, image):
        return self.dropout(self.sum(image))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits))


@pytest.mark.parametrize("scale", [1, 0.5, 0.37])
def test_probability_on_the_original_grid(scale):
    photo, _, _, mask = draw(0)
    field = mask > 0
    working = Preprocessor(scale=scale).prepare(photo, field)
    probability = Predictor(WeightedChannels(), CPU, None).probability(working, field)
    normalised = (working.image - working.mean) / working.std * working.field_of_view[..., None]
    logits = (normalised @ np.array(WEIGHTS) + 0.3).astype(np.float32)
    logits = cv2.resize(logits, field.shape[::-1], interpolation=cv2.INTER_LINEAR)
    assert probability.dtype == np.float32
    assert not probability[~field].any()
    np.testing.assert_allclose(probability[field], sigmoid(logits)[field], atol=1e-4)


def test_a_larger_working_resolution_is_averaged_back():
    photo, _, _, mask = draw(0)
    photo, field = cv2.GaussianBlur(photo, (0, 0), 2), mask > 0
    exact, enlarged = (
        Predictor(WeightedChannels(), CPU, None).probability(Preprocessor(scale=scale).prepare(photo, field), field)
        for scale in (1, 2)
    )
    difference = np.abs(exact - enlarged)[field]
    assert difference.mean() < 0.015


def test_autocast_changes_digits_only():
    photo, _, _, mask = draw(0)
    working = Preprocessor(scale=1).prepare(photo, mask > 0)
    full, half = (
        Predictor(WeightedChannels(), CPU, kind).probability(working, mask > 0) for kind in (None, torch.bfloat16)
    )
    assert half.dtype == np.float32
    assert 0 < np.abs(full - half).max() < 0.02
