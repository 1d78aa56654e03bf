"""What can be counted in a label and its image: the same for drawn eyes and for real ones."""

import cv2
import numpy as np
from skimage.morphology import skeletonize

NAMES = ("density", "length", "median_calibre", "wide_calibre", "thin_share", "dimension", "contrast", "noise")


def vessel_statistics(image: np.ndarray, label: np.ndarray, field: np.ndarray, diameter: float) -> dict[str, float]:
    """Of an image whose field of view has about 512 pixels across.

    density: share of the field that is vessel; length: of the centre lines, in field diameters per field of
    diameter 1 (as if whole); calibres: median and 95th percentile along the centre lines, in 1/1000 field diameters;
    thin_share: of the centre lines, not wider than 2 pixels; dimension: box-counting, of the centre lines;
    contrast: how much darker than what lies beside it a vessel is in green, median; noise: of green, in grey levels.
    """
    label = (label > 0) & field
    line = skeletonize(label)
    depth = cv2.distanceTransform(np.pad(label, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    widths = np.maximum(2 * depth[line] - 1, 1)
    area = field.sum()
    kernel = np.ones((3, 3), np.uint8)
    inner = cv2.erode(field.astype(np.uint8), np.ones((11, 11), np.uint8), borderValue=0) > 0
    near = cv2.dilate(label.astype(np.uint8), kernel, iterations=5) > 0
    gap = cv2.dilate(label.astype(np.uint8), kernel, iterations=2) > 0
    green = image[..., 1].astype(np.float32)
    beside = (near & ~gap & inner).astype(np.float32)
    around = cv2.blur(green * beside, (21, 21)) / np.maximum(cv2.blur(beside, (21, 21)), 1e-4)
    core = line & inner & (around > 5)
    detail = green - cv2.GaussianBlur(green, (0, 0), 1.0)
    return {
        "density": float(label.sum() / area),
        "length": float(line.sum() * 1.12 * (np.pi / 4) * diameter / area),
        "median_calibre": 1000 * float(np.median(widths)) / diameter,
        "wide_calibre": 1000 * float(np.percentile(widths, 95)) / diameter,
        "thin_share": float((widths <= 2.01).mean()),
        "dimension": box_dimension(line),
        "contrast": float(np.median(1 - green[core] / around[core])),
        "noise": float(np.median(np.abs(detail[inner & ~near])) * 1.48),
    }


def box_dimension(line: np.ndarray) -> float:
    """Slope of the number of boxes that the lines touch over the number of boxes along a side, both as logarithms."""
    sides = np.array([4, 8, 16, 32, 64])
    counts = []
    for side in sides:
        height, width = (-(-length // side) * side for length in line.shape)
        padded = np.zeros((height, width), bool)
        padded[: line.shape[0], : line.shape[1]] = line
        boxes = padded.reshape(height // side, side, width // side, side).any(axis=(1, 3))
        counts.append(int(boxes.sum()))
    return float(-np.polyfit(np.log(sides), np.log(counts), 1)[0])
