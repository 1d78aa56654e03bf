"""The evaluation protocol: scores pooled over all pixels, and their mean and standard deviation over images.

The two answer different questions and differ in value, so both are kept: the pooled score weighs an image by its
pixels, the mean weighs every image alike, and only the latter has a spread.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fundus_unet.core.errors import InputError


@dataclass(frozen=True)
class OverImages:
    """One metric over a set of images.

    Convention:
        images where the metric is undefined (nan) are left out, and `images` counts the others. The standard
        deviation is the sample's (n - 1). The mean is nan without an image, the standard deviation with fewer than
        two.
    """

    mean: float
    standard_deviation: float
    images: int


def over_images(per_image: Sequence[Mapping[str, float]]) -> dict[str, OverImages]:
    """Mean, standard deviation and count of every metric over images.

    Raises:
        InputError: Where there is no image or the images were not scored by the same metrics.
    """
    if not per_image:
        raise InputError("there is no image to average over", expected="the scores of at least one image")
    names = list(per_image[0])
    for number, image in enumerate(per_image):
        if set(image) != set(names):
            raise InputError(
                f"image {number} was scored by other metrics than image 0", expected=sorted(names), got=sorted(image)
            )
    return {name: _summary([float(image[name]) for image in per_image]) for name in names}


def _summary(values: Sequence[float]) -> OverImages:
    defined = [value for value in values if not math.isnan(value)]
    return OverImages(
        mean=statistics.fmean(defined) if defined else math.nan,
        standard_deviation=statistics.stdev(defined) if len(defined) > 1 else math.nan,
        images=len(defined),
    )
