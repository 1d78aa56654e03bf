"""Where an image shows dark lines, and how well a label agrees with them."""

import cv2
import numpy as np

from fundus_unet.data.checking.reduced import eroded

_WIDTHS = (5, 7, 9, 11)
"""Of the structuring elements, in reduced pixels: a vessel of up to that width is filled by the closing."""
_SMOOTHING = 0.15
_RIM = 6
_NEIGHBOURHOOD = 61
_FILL = 31


def vesselness(green: np.ndarray, field_of_view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much darker than its surroundings each thin structure is: the largest black top-hat over several widths.

    It is divided by its own root mean square nearby, so that bright and dark parts of an image count alike.

    Shapes:
        uint8 (h, w), bool (h, w) -> float32 (h, w), zero where it is not known; bool (h, w), where it is: the field of
        view without its rim.
    """
    grey, region = green.astype(np.float32), field_of_view.astype(np.float32)
    window = (_FILL, _FILL)
    around = cv2.blur(grey * region, window) / np.maximum(cv2.blur(region, window), 1e-3)
    grey = np.where(field_of_view, grey, around)  # a black border would make a ring
    found = np.zeros_like(grey)
    for width in _WIDTHS:
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        smooth = cv2.GaussianBlur(grey, (0, 0), _SMOOTHING * width)
        found = np.maximum(found, cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, disc))
    inside = eroded(field_of_view, _RIM)
    mean_square = cv2.blur(found**2, (_NEIGHBOURHOOD, _NEIGHBOURHOOD))
    found = found / (np.sqrt(np.maximum(mean_square, 0)) + 1)
    return np.where(inside, found, 0).astype(np.float32), inside


def standardized(values: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Zero mean and unit length inside the region, zero outside: the product of two such is their correlation.

    Shapes:
        (h, w), bool (h, w) -> float32 (h, w).
    """
    mean = values[region].mean() if region.any() else 0.0
    centred = np.where(region, values - mean, 0).astype(np.float32)
    return centred / max(float(np.linalg.norm(centred)), 1e-6)


class Shifts:
    """The correlation of vesselness with a label for every shift up to `reach` pixels, by the fast Fourier transform.

    Args:
        vessels: `standardized` vesselness, (h, w).
        reach: The largest shift along each axis, in pixels.
    """

    def __init__(self, vessels: np.ndarray, reach: int) -> None:
        self.reach = reach
        height, width = vessels.shape
        self._size = cv2.getOptimalDFTSize(height + reach), cv2.getOptimalDFTSize(width + reach)
        self._vessels = np.fft.rfft2(vessels, self._size)

    def correlations(self, label: np.ndarray) -> np.ndarray:
        """(2 reach + 1, 2 reach + 1) of a `standardized` label (h, w); the unshifted one in the middle.

        Convention:
            row reach + dy and column reach + dx: the label moved down by dy and to the right by dx.
        """
        every = np.fft.irfft2(self._vessels * np.conj(np.fft.rfft2(label, self._size)), self._size)
        steps = np.arange(-self.reach, self.reach + 1)
        found: np.ndarray = every[np.ix_(steps, steps)]
        return found


def peak(correlations: np.ndarray) -> tuple[float, float, float]:
    """The largest correlation, and the shift (dy, dx) it is at, to a fraction of a pixel."""
    row, column = np.unravel_index(int(correlations.argmax()), correlations.shape)
    reach = correlations.shape[0] // 2
    return (
        float(correlations[row, column]),
        row - reach + _vertex(correlations[:, column], int(row)),
        column - reach + _vertex(correlations[row], int(column)),
    )


def _vertex(line: np.ndarray, place: int) -> float:
    """Of the parabola through a maximum and its two neighbours, from the maximum: -0.5 to 0.5."""
    if not 0 < place < len(line) - 1:
        return 0.0
    before, here, after = (float(value) for value in line[place - 1 : place + 2])
    bend = before - 2 * here + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0
