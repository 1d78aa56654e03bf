import math

import numpy as np
import pytest
import torch

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.histogram import probability_histogram
from fundus_unet.metrics.protocol import OverImages, over_images, pooled_and_per_image
from fundus_unet.metrics.segmentation import scores


def test_mean_and_sample_standard_deviation():
    assert over_images([{"dice": 0.7}, {"dice": 0.8}, {"dice": 0.9}]) == {
        "dice": OverImages(mean=pytest.approx(0.8), standard_deviation=pytest.approx(0.1), images=3)
    }


def test_undefined_scores_are_left_out_and_counted_out():
    got = over_images(
        [{"dice": 0.5, "auroc": math.nan}, {"dice": math.nan, "auroc": math.nan}, {"dice": 1.0, "auroc": 1}]
    )
    assert got["dice"] == OverImages(0.75, pytest.approx(math.sqrt(0.125)), 2)
    assert (got["auroc"].mean, got["auroc"].images) == (1.0, 1)
    assert math.isnan(got["auroc"].standard_deviation)


def test_a_score_undefined_everywhere():
    got = over_images([{"dice": math.nan}, {"dice": math.nan}])["dice"]
    assert got.images == 0
    assert math.isnan(got.mean)
    assert math.isnan(got.standard_deviation)


def test_no_image_and_unlike_images_are_refused():
    with pytest.raises(InputError, match="no image"):
        over_images([])
    with pytest.raises(InputError, match="image 1 was scored by other metrics"):
        over_images([{"dice": 0.5}, {"accuracy": 0.5}])
    with pytest.raises(InputError, match="no image"):
        pooled_and_per_image([], 0.5)


def test_pooled_weighs_pixels_and_the_mean_weighs_images():
    generator = torch.Generator().manual_seed(0)
    images = [
        (torch.rand(size, generator=generator) ** power, torch.rand(size, generator=generator).round())
        for size, power in ((50, 1.0), (400, 3.0), (1000, 0.5))
    ]
    histograms = [probability_histogram(*image) for image in images]
    evaluation = pooled_and_per_image(histograms, 0.4)
    together = probability_histogram(*(torch.cat(parts) for parts in zip(*images, strict=True)))
    assert evaluation.pooled == scores(together, 0.4)
    for name, summary in evaluation.over_images.items():
        per_image = [scores(histogram, 0.4)[name] for histogram in histograms]
        expected = OverImages(pytest.approx(np.mean(per_image)), pytest.approx(np.std(per_image, ddof=1)), 3)
        assert summary == expected
    assert abs(evaluation.pooled["dice"] - evaluation.over_images["dice"].mean) > 0.01
