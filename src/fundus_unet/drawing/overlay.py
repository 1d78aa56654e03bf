"""Predicted vessels drawn over their image."""

import cv2
import numpy as np

VESSEL = (0, 200, 255)  # far from every colour of a fundus, and told apart from them with any colour vision
RIM = (255, 255, 255)
OPACITY = 0.65


def vessel_overlay(image: np.ndarray, mask: np.ndarray, field_of_view: np.ndarray) -> np.ndarray:
    """Vessels tinted, and the field of view outlined where it ends within the frame.

    Shapes:
        uint8 (H, W, 3) RGB, bool (H, W), bool (H, W) -> uint8 (H, W, 3) RGB.
    """
    overlay = image.copy()
    overlay[mask] = ((1 - OPACITY) * image[mask] + OPACITY * np.array(VESSEL)).astype(np.uint8)
    outlines, _ = cv2.findContours(field_of_view.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not field_of_view.all():
        cv2.drawContours(overlay, outlines, -1, RIM, thickness=max(1, max(mask.shape) // 1000))
    return overlay
