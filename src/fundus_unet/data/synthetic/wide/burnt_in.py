"""Dates, names and marks that software burns into a picture. They are thin, connected and no vessels."""

import cv2
import numpy as np
from numpy.typing import NDArray

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_PLAIN,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_COMPLEX_SMALL,
    cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def burn_in(rng: np.random.Generator, image: NDArray[np.uint8], over_field: bool) -> NDArray[np.bool_]:
    """Write one to four pieces of text or marks into the image, in place.

    Args:
        over_field: Whether they may lie anywhere; else near the frame's corners.

    Returns:
        The pixels that were written on, (H, W).
    """
    size = image.shape[0]
    written = np.zeros((size, size), np.uint8)
    colour = _colour(rng)
    for _ in range(int(rng.integers(1, 5))):
        font = int(rng.choice(_FONTS))
        scale = size / 512 * float(rng.uniform(0.35, 1.1))
        width = max(1, round(scale * float(rng.choice([1, 1, 2]))))
        text = _text(rng)
        (wide, high), _ = cv2.getTextSize(text, font, scale, width)
        x, y = rng.uniform(0.01, 0.99, 2)
        if not over_field:
            x, y = (0.02 if x < 0.5 else 0.98), float(rng.choice([0.02, 0.06, 0.93, 0.98]))
        place = int(x * max(size - wide, 1)), int(high + y * max(size - high - 4, 1))
        kind = cv2.LINE_AA if rng.random() < 0.7 else cv2.LINE_8
        ink = np.zeros((size, size), np.uint8)
        cv2.putText(ink, text, place, font, scale, 255, width, kind)
        plate = _around(ink)
        if plate is not None and rng.random() < 0.2:  # on a plate of its own
            image[plate] = 0 if sum(colour) > 300 else 255
            written[plate] = 255
        if over_field and rng.random() < 0.25:
            _mark(rng, ink, width)
        box = _around(ink)
        if box is None:
            continue
        alpha = ink[box].astype(np.float32)[..., None] / 255
        image[box] = (image[box] * (1 - alpha) + alpha * np.array(colour, np.float32)).astype(np.uint8)
        written = np.maximum(written, ink)
    return np.asarray(written > 60)


def _around(ink: NDArray[np.uint8]) -> tuple[slice, slice] | None:
    """Rows and columns of what is written and three pixels more, None for nothing."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if len(rows) == 0:
        return None
    return slice(max(rows[0] - 3, 0), rows[-1] + 4), slice(max(columns[0] - 3, 0), columns[-1] + 4)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    choices = (
        (255, 255, 255),
        (235, 235, 235),
        (255, 255, 0),
        (0, 255, 0),
        (10, 10, 10),
        (180, 180, 180),
        (255, 60, 60),
    )
    return choices[int(rng.choice(len(choices), p=[0.35, 0.15, 0.12, 0.12, 0.12, 0.09, 0.05]))]


def _text(rng: np.random.Generator) -> str:
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1995, 2027))
    hour, minute = int(rng.integers(0, 24)), int(rng.integers(0, 60))
    name = "".join(rng.choice(list(_LETTERS), int(rng.integers(3, 9))))
    choices = (
        f"{day:02d}/{month:02d}/{year}",
        f"{year}-{month:02d}-{day:02d} {hour:02d}:{minute:02d}",
        f"{day:02d}.{month:02d}.{year % 100:02d}",
        str(rng.choice(["OD", "OS", "R", "L", "RE", "LE", "OD 45", "OS 50"])),
        f"{name} {int(rng.integers(1, 10**6))}",
        f"ID{int(rng.integers(10**4, 10**7))}",
        name,
    )
    return choices[int(rng.integers(len(choices)))]


def _mark(rng: np.random.Generator, ink: NDArray[np.uint8], width: int) -> None:
    """An arrow, a ring or a ruler, in place."""
    size = ink.shape[0]
    x, y, dx, dy = (int(value) for value in rng.uniform(0.1, 0.9, 4) * size)
    kind = rng.random()
    if kind < 0.4:
        cv2.arrowedLine(ink, (x, y), ((3 * x + dx) // 4, (3 * y + dy) // 4), 255, width, cv2.LINE_AA, 0, 0.2)
    elif kind < 0.7:
        cv2.circle(ink, (x, y), max(4, size // int(rng.integers(10, 40))), 255, width, cv2.LINE_AA)
    else:
        cv2.line(ink, (x, y), (min(x + size // 6, size - 1), y), 255, width)
