"""Whether an image lies within what the project's own training images span."""

from dataclasses import dataclass

import cv2
import numpy as np

from fundus_unet.inference.inspected_image import InspectedImage


@dataclass(frozen=True)
class Statistics:
    """Of the field of view without its rim.

    Units:
        `green`, `blue`: medians, as shares of red's; `contrast`: the standard deviation of green's structures of 0.2 to
        1.2 % of the field-of-view diameter, which vessels are, as a share of green's mean.
    """

    green: float
    blue: float
    contrast: float


RANGES = {"green": (0.15, 0.8), "blue": (0.0, 0.55), "contrast": (0.025, 0.16)}
"""Beyond what was measured on the images of CHASE_DB1, HRF and IDRiD that the project develops with, and on 100
synthetic ones: green 0.22 to 0.62, blue 0.01 to 0.38, contrast 0.035 to 0.101."""
_SAID = {
    "green": "its green is {value:.0%} of its red",
    "blue": "its blue is {value:.0%} of its red",
    "contrast": "the contrast of its details is {value:.1%}",
}


def unfamiliar(image: InspectedImage, details: bool = True) -> str | None:
    """What lies outside `RANGES`, if anything.

    Args:
        details: Whether the image is large enough to judge the contrast of its details.
    """
    for name, value in vars(statistics_of(image)).items():
        least, most = RANGES[name]
        if name == "contrast" and not details:
            continue
        if not least <= value <= most:
            said = _SAID[name].format(value=value)
            return f"far from the images of training: {said} ({least:.1%} to {most:.1%} there)"
    return None


def statistics_of(image: InspectedImage) -> Statistics:
    """Measure them."""
    red, green, blue = (float(np.median(channel[image.inside])) for channel in cv2.split(image.image))
    channel = image.image[..., 1].astype(np.float32)
    small, large = (cv2.GaussianBlur(channel, (0, 0), share * image.diameter) for share in (0.002, 0.012))
    structures = (small - large)[image.inside]
    mean = max(float(channel[image.inside].mean()), 1.0)
    return Statistics(green / max(red, 1), blue / max(red, 1), float(structures.std()) / mean)
