"""Small PNG files."""

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

COLOURS = 256


def write_png(path: Path, figure: Figure | np.ndarray, colours: int | None = COLOURS) -> None:
    """As `png_bytes`, into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png_bytes(figure, colours))


def png_bytes(figure: Figure | np.ndarray, colours: int | None = COLOURS, optimize: bool = True) -> bytes:
    """A PNG file of a figure, or of uint8 (H, W, 3) RGB, with so many colours; None keeps them all.

    Plots and maps have few: a palette makes the file two to four times smaller, and no difference is seen.

    Args:
        optimize: Takes seconds for megapixels, to make the file a little smaller.
    """
    buffer = io.BytesIO()
    if isinstance(figure, Figure):
        figure.savefig(buffer, format="png")
        image = Image.open(buffer).convert("RGB")
        buffer = io.BytesIO()
    else:
        image = Image.fromarray(figure)
    if colours is not None:
        image = image.quantize(colours, dither=Image.Dither.NONE)
    image.save(buffer, "PNG", optimize=optimize)
    return buffer.getvalue()
