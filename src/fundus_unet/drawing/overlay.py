"""Predicted vessels drawn over their image."""

import cv2
import numpy as np

VESSEL = (0, 200, 255)  # far from every colour of a fundus, and told apart from them with any colour vision
RIM = (255, 255, 255)
OPACITY = 0.65
CONTOUR, FILL = "contour", "fill"
STYLES = (CONTOUR, FILL)


def vessel_overlay(image: np.ndarray, mask: np.ndarray, field_of_view: np.ndarray, style: str = CONTOUR) -> np.ndarray:
    """Vessels outlined or tinted, and the field of view outlined where it ends within the frame.

    Args:
        style: `contour` draws a line around every vessel and leaves the vessel's own pixels as they are; `fill` tints
            them.

    Shapes:
        uint8 (H, W, 3) RGB, bool (H, W), bool (H, W) -> uint8 (H, W, 3) RGB.
    """
    overlay = image.copy()
    if style == CONTOUR:
        overlay[_around(mask)] = VESSEL
    else:
        overlay[mask] = ((1 - OPACITY) * image[mask] + OPACITY * np.array(VESSEL)).astype(np.uint8)
    if not field_of_view.all():
        outlines, _ = cv2.findContours(field_of_view.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(overlay, outlines, -1, RIM, thickness=_line_width(mask, 1000))
    return overlay


def _around(mask: np.ndarray) -> np.ndarray:
    """The pixels next to the mask: bool (H, W)."""
    side = 2 * _line_width(mask, 1500) + 1
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)) if side > 3 else np.ones((3, 3), np.uint8)
    found: np.ndarray = cv2.dilate(mask.astype(np.uint8), reach).astype(bool) & ~mask
    return found


def _line_width(mask: np.ndarray, pixels: int) -> int:
    """A pixel for every so many of the longer side, so that lines are seen where the image is made smaller."""
    return max(1, max(mask.shape) // pixels)
