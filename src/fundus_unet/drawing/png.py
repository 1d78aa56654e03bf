"""Small PNG files."""

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

COLOURS = 256


def write_png(path: Path, figure: Figure | np.ndarray, colours: int | None = COLOURS) -> None:
    """Write a figure, or uint8 (H, W, 3) RGB, with so many colours; None keeps them all.

    Plots and maps have few: a palette makes the file two to four times smaller, and no difference is seen.
    """
    if isinstance(figure, Figure):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        image = Image.open(buffer).convert("RGB")
    else:
        image = Image.fromarray(figure)
    if colours is not None:
        image = image.quantize(colours, dither=Image.Dither.NONE)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, optimize=True)
