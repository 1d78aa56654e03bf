"""Why a vessel map may be worth little, seen in the image alone.

Every check measures one thing, in units of the field of view or of grey levels, so that it is the same for every
camera and size; its limit stands beside it, with what the sets reach that are known to be good.
"""

import cv2
import numpy as np

from fundus_unet.inference.drawn_over import marked_share
from fundus_unet.inference.familiarity import unfamiliar
from fundus_unet.inference.field_shape import is_round, separate_fields
from fundus_unet.inference.inspected_image import InspectedImage

FINE, COARSE = 0.002, 0.004
STRONGEST = 0.05
LEAST_DIAMETER = 256
"""Pixels of the field of view, below which details cannot be judged."""
MOST_BLUR = 0.0075
"""Images of CHASE_DB1, HRF and IDRiD reach 0.0045, synthetic ones 0.006."""
DARK, MOST_DARK = 20, 0.3
"""Grey levels, and the share of pixels below: of the same images at most 0.11."""
CLIPPED, MOST_CLIPPED = 250, 0.1
"""At most 0.01 in the same images, where the optic disc is clipped."""
LEAST_COLOUR = 8
"""89 and more in the same images."""
MOST_MARKED = 0.0005
"""At most 0.0003 in the same images; a date of small letters covers 0.0008 and more."""
NO_BORDER = "no border of a field of view was found: the whole frame is taken for it, its diagonal for the diameter"


def quality_warnings(image: InspectedImage, whole_frame: bool) -> list[str]:
    """What is wrong with an image, and what that means for its map; the gravest first.

    What one fault explains is not told as another: colours of no fundus are no text, for one.

    Args:
        whole_frame: Whether no border of a field of view was found.
    """
    shape = _fields_of_view(image, whole_frame)
    told = [shape, _colours(image)]
    if told[1] is None:
        one = shape is None or shape == NO_BORDER  # else what is dark or white may be border
        exposure = _exposure(image) if one else None
        told.append(exposure)
        if image.diameter >= LEAST_DIAMETER:
            told += [_sharpness(image), _marks(image) if exposure is None else None]
    if not any(told):
        told.append(unfamiliar(image, details=image.diameter >= LEAST_DIAMETER))
    return [one for one in told if one is not None]


def _fields_of_view(image: InspectedImage, whole_frame: bool) -> str | None:
    if separate_fields(image) > 1:
        return "several fields of view: cut them apart, since scale and measures are of neither eye"
    if whole_frame:
        return NO_BORDER
    if not is_round(image):
        return "the field of view is not round (ultra-wide, or two eyes?): scale and measures may be wrong"
    return None


def _colours(image: InspectedImage) -> str | None:
    if colourfulness(image) < LEAST_COLOUR:
        return "not in colour: the network has learned from colour images, so compare the map with the image"
    red, green, blue = (float(np.median(channel[image.inside])) for channel in cv2.split(image.image))
    if not red >= green >= blue - 8:
        return "its colours are not those of a fundus, which is reddest and least blue: the map may mean nothing"
    return None


def colourfulness(image: InspectedImage) -> float:
    """The mean difference of the largest and the smallest channel, in grey levels."""
    red, green, blue = cv2.split(image.image)
    largest, smallest = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    return float(cv2.mean(cv2.subtract(largest, smallest), mask=image.inside.astype(np.uint8))[0])


def _exposure(image: InspectedImage) -> str | None:
    dark, clipped = share_of_green(image, below=DARK), share_of_green(image, from_=CLIPPED)
    if clipped > MOST_CLIPPED:
        return f"over-exposed: green is white on {clipped:.0%} of the field of view, where no vessel can be seen"
    if dark > MOST_DARK:
        return f"under-exposed: green is nearly black on {dark:.0%} of the field of view, where vessels get lost"
    return None


def share_of_green(image: InspectedImage, below: int = 0, from_: int = 256) -> float:
    """The share of the field of view whose green, which vessels are seen in, is below or from a grey level on."""
    green = image.image[..., 1][image.inside]
    return float(((green < below) | (green >= from_)).mean())


def _sharpness(image: InspectedImage) -> str | None:
    blur = edge_blur(image)
    if blur > MOST_BLUR:
        return f"blurred: edges are spread over {blur:.1%} of the field of view's diameter, so thin vessels are missed"
    return None


def edge_blur(image: InspectedImage) -> float:
    """The standard deviation of the blur of the strongest edges, as a share of the field of view's diameter.

    An edge that a Gaussian has blurred loses less by one more blur than a sharp one: of its slopes after two further
    Gaussians, the ratio tells its own. The finer slope is taken along the coarser's direction, in which noise cancels.

    Source:
        Zhuo and Sim, Defocus map estimation from a single image, Pattern Recognition 44(9), 2011.
    """
    green = image.image[..., 1].astype(np.float32)
    fine, coarse = FINE * image.diameter, COARSE * image.diameter
    fine_x, fine_y = _slopes(green, fine)
    coarse_x, coarse_y = _slopes(green, coarse)
    strength = cv2.magnitude(coarse_x, coarse_y)
    inside = strength[image.inside]
    number = max(1, round(STRONGEST * inside.size))
    limit = np.partition(inside, inside.size - number)[inside.size - number]
    chosen = image.inside & (strength >= limit) & (strength > 0)
    if not chosen.any():  # a flat image
        return 1.0
    along = (fine_x[chosen] * coarse_x[chosen] + fine_y[chosen] * coarse_y[chosen]) / strength[chosen]
    ratio = float(along.sum() / strength[chosen].sum()) ** 2
    if ratio <= 1:
        return 1.0
    return float(np.sqrt(max(coarse**2 - ratio * fine**2, 0) / (ratio - 1))) / image.diameter


def _slopes(channel: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    smooth = cv2.GaussianBlur(channel, (0, 0), sigma)
    return cv2.Scharr(smooth, cv2.CV_32F, 1, 0), cv2.Scharr(smooth, cv2.CV_32F, 0, 1)


def _marks(image: InspectedImage) -> str | None:
    share = marked_share(image)
    if share > MOST_MARKED:
        return f"text or lines are drawn over the eye ({share:.1%} of it): they may be taken for vessels, or hide some"
    return None
