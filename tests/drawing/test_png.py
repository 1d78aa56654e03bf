"""Small files show the same figure."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from fundus_unet.drawing.png import write_png


def test_a_map_of_few_colours_is_kept_exactly_and_smaller(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 64, (90, 120), dtype=np.uint8) * 4
    picture = np.stack([grey] * 3, axis=-1)
    write_png(tmp_path / "a" / "small.png", picture)
    write_png(tmp_path / "whole.png", picture, colours=None)
    for path in (tmp_path / "a" / "small.png", tmp_path / "whole.png"):
        assert (np.asarray(Image.open(path).convert("RGB")) == picture).all()
    assert (tmp_path / "a/small.png").stat().st_size < 0.7 * (tmp_path / "whole.png").stat().st_size


def test_a_figure_has_the_size_it_asks_for_and_its_colours(tmp_path: Path) -> None:
    figure = Figure(figsize=(2, 1), dpi=100, facecolor="#0072b2")
    write_png(tmp_path / "figure.png", figure)
    shown = np.asarray(Image.open(tmp_path / "figure.png").convert("RGB"))
    assert shown.shape == (100, 200, 3)
    assert (shown == (0x00, 0x72, 0xB2)).all()
