"""Text and lines that somebody or a program drew over a fundus image.

They are thin, and of colours that thin structures of an eye do not have: white where the eye's brightest spots are
yellow, black where its darkest vessels are red, or green, blue or a pure red.
"""

import cv2
import numpy as np

from fundus_unet.inference.inspected_image import InspectedImage

_WIDTH = 0.02
"""Of the field-of-view diameter: what is thinner is a stroke."""
_STEP = 90
"""Grey levels from the surroundings, as are the next two."""
_YELLOW_STEP = 110
"""Exudates and parts of the optic disc between vessels are yellow too, and seldom step as far."""
_COLD_STEP = 45
"""By which green or blue exceeds red: that is rare in an eye."""
_BLACK = 35


def marked_share(image: InspectedImage) -> float:
    """The share of the field of view that is covered by strokes of colours that an eye's do not have.

    Morphological top-hats leave what is thinner than their window: bright strokes in the smallest channel (white), dark
    ones in the largest (black), and bright ones in differences of channels (red, green, blue) and in red and green
    together (yellow).

    Source:
        Serra, Image analysis and mathematical morphology, Academic Press, 1982 (top-hat).
    """
    red, green, blue = cv2.split(image.image)
    side = 2 * max(1, round(_WIDTH * image.diameter / 2)) + 1
    window = np.ones((side, side), np.uint8)

    def bright(channel: np.ndarray, step: int) -> np.ndarray:
        return cv2.morphologyEx(channel, cv2.MORPH_TOPHAT, window) >= step

    largest, cold = cv2.max(cv2.max(red, green), blue), cv2.max(green, blue)
    dark = (cv2.morphologyEx(largest, cv2.MORPH_BLACKHAT, window) >= _STEP) & (largest <= _BLACK)
    marks = (
        dark
        | bright(cv2.min(cv2.min(red, green), blue), _STEP)
        | bright(cv2.min(red, green), _YELLOW_STEP)
        | bright(cv2.subtract(red, cold), _STEP)
        | bright(cv2.subtract(cold, red), _COLD_STEP)
    )
    return float((marks & image.inside).sum() / image.inside.sum())
