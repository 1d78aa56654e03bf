"""Images with one thing wrong, made of a synthetic fundus."""

from functools import cache

import cv2
import numpy as np

from fundus_unet.data.synthetic.generate import SyntheticFundus, generate_fundus

SIZE = 640
SEED = 3


@cache  # nobody writes into it
def good(seed: int = SEED, size: int = SIZE) -> SyntheticFundus:
    return generate_fundus(seed, size)


def blurred(image: np.ndarray, share: float) -> np.ndarray:
    """By a Gaussian whose deviation is that share of the image's width, as an eye out of focus."""
    return cv2.GaussianBlur(image, (0, 0), share * image.shape[1])


def exposed(image: np.ndarray, factor: float) -> np.ndarray:
    return np.clip(image * float(factor), 0, 255).astype(np.uint8)


def grey(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[..., 1:2], 3, axis=2)


def with_text(image: np.ndarray, colour: tuple[int, int, int], share: float = 0.03) -> np.ndarray:
    """A date, written over the eye with letters of that share of its width in height."""
    marked = image.copy()
    size = image.shape[1]
    height = share * size / cv2.getTextSize("0", cv2.FONT_HERSHEY_SIMPLEX, 1, 1)[0][1]
    thickness = max(1, round(0.003 * size))
    place = (round(0.3 * size), round(0.75 * image.shape[0]))
    cv2.putText(marked, "2019-03-02 OD", place, cv2.FONT_HERSHEY_SIMPLEX, height, colour, thickness, cv2.LINE_AA)
    return marked


def with_lines(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """A circle and two lines, as in a figure of a paper."""
    marked = image.copy()
    height, width = image.shape[:2]
    thickness = max(1, round(0.004 * width))
    cv2.circle(marked, (width // 2, height // 2), width // 4, colour, thickness, cv2.LINE_AA)
    cv2.line(marked, (width // 5, height // 3), (4 * width // 5, height // 2), colour, thickness, cv2.LINE_AA)
    cv2.line(marked, (width // 3, height // 5), (width // 2, 4 * height // 5), colour, thickness, cv2.LINE_AA)
    return marked


def two_eyes(gap: int, background: int = 0) -> np.ndarray:
    """Two eyes side by side in a frame of one grey level; without a gap they touch."""
    eyes = [good(seed) for seed in (3, 8)]
    framed = [np.where(eye.field_of_view[..., None], eye.image, background).astype(np.uint8) for eye in eyes]
    columns = [np.flatnonzero(eye.field_of_view.any(axis=0)) for eye in eyes]
    cut = [image[:, found[0] : found[-1] + 1] for image, found in zip(framed, columns, strict=True)]
    between = np.full((SIZE, gap, 3), background, np.uint8)
    margin = np.full((SIZE, SIZE // 10, 3), background, np.uint8)
    return np.hstack([margin, cut[0], between, cut[1], margin])


def ultra_wide() -> np.ndarray:
    """An ellipse of two lasers' colours, with nothing in blue, in a dark frame."""
    fundus = good(4)
    wide = cv2.resize(fundus.image, (SIZE, round(0.72 * SIZE)), interpolation=cv2.INTER_AREA)
    red, green, _ = cv2.split(wide)
    image = cv2.merge([red, np.clip(green * 1.6, 0, 255).astype(np.uint8), np.zeros_like(red)])
    return cv2.copyMakeBorder(image, SIZE // 8, SIZE // 8, SIZE // 8, SIZE // 8, cv2.BORDER_CONSTANT)


def landscape() -> np.ndarray:
    """Sky over a meadow, in round."""
    rows = np.linspace(0, 1, SIZE)[:, None, None]
    random = np.random.default_rng(0)
    sky, meadow = np.array([110, 150, 220]), np.array([70, 130, 50])
    image = np.where(rows < 0.5, sky, meadow) + cv2.GaussianBlur(random.normal(0, 60, (SIZE, SIZE, 3)), (0, 0), 2)
    row, column = np.mgrid[:SIZE, :SIZE] - SIZE / 2
    inside = np.hypot(row, column) < 0.48 * SIZE
    return (np.clip(image, 0, 255) * inside[..., None]).astype(np.uint8)
