"""The reliability diagram marks what the numbers say."""

import math

import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.figure import Figure

from fundus_unet.drawing.png import png_bytes
from fundus_unet.drawing.reliability_diagram import TOO_HIGH, TOO_LOW, reliability_diagram

THRESHOLDS = {"threshold": 0.5, "best on validation": 0.31}
EDGES = [0, 0.25, 0.5, 0.75, 1]
SAID = [0.1, 0.4, math.nan, 0.9]


def diagram(observed: list[float], pixels: tuple[int, ...] = (1000, 10, 0, 100), title: str = "test") -> Figure:
    return reliability_diagram(EDGES, SAID, observed, pixels, title, THRESHOLDS)


def labels(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_points_bars_and_thresholds_stand_where_the_numbers_are() -> None:
    upper, lower = diagram([0.1, 0.3, math.nan, 0.6]).axes
    points = next(line for line in upper.lines if line.get_label() == "observed")
    assert points.get_xydata() == pytest.approx(np.array([[0.1, 0.1], [0.4, 0.3], [0.9, 0.6]]))
    assert [bar.get_height() for bar in lower.patches] == [1000, 10, 0, 100]
    assert lower.get_yscale() == "log"
    for axes in (upper, lower):
        marks = [line.get_xdata()[0] for line in axes.lines if len(set(line.get_xdata())) == 1]
        assert marks == [0.5, 0.31]
    box = upper.get_position()
    width, height = upper.figure.get_size_inches()
    assert box.width * width == pytest.approx(box.height * height, rel=0.01), "the diagonal has 45 degrees"


@pytest.mark.parametrize(
    ("observed", "told", "colours"),
    [
        ([0.05, 0.3, math.nan, 0.6], ["probability too high"], [TOO_HIGH]),
        ([0.2, 0.5, math.nan, 0.95], ["probability too low"], [TOO_LOW]),
        ([0.2, 0.3, math.nan, 0.6], ["probability too high", "probability too low"], [TOO_HIGH, TOO_LOW]),
        ([0.1, 0.4, math.nan, 0.9], [], []),
    ],
)
def test_the_gap_is_coloured_by_its_sign(observed: list[float], told: list[str], colours: list[str]) -> None:
    figure = diagram(observed)
    assert [text for text in labels(figure) if text.startswith("probability")] == told
    gaps = [one for one in figure.axes[0].collections if isinstance(one, FillBetweenPolyCollection)]
    found = [tuple(np.round(255 * one.get_facecolor()[0][:3]).astype(int)) for one in gaps]
    assert found == [tuple(bytes.fromhex(colour[1:])) for colour in colours]


def test_one_bin_alone_and_a_title_with_a_dollar_are_drawn() -> None:
    figure = diagram([math.nan, 0.2, math.nan, math.nan], (0, 50, 0, 0), "pay $ 5 $")
    assert png_bytes(figure).startswith(b"\x89PNG")
