import math

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.metrics.over_images import OverImages, over_images


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
