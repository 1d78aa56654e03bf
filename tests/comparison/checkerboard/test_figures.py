"""Figures of checkerboards: every network appears, on a colour scale that it shares."""

import io

import numpy as np
import pytest
from PIL import Image

from fundus_unet.comparison.checkerboard.figures import mosaic, phase_means_figure, residual_figure, spectrum_figure


def drawn(figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("RGB"))


def images(axes_of) -> list[np.ndarray]:
    return [axes.images[0] for axes in axes_of.axes if axes.images]


def test_phase_means_have_a_panel_per_network_and_place():
    patterns = np.array([[[1.0, -1.0], [0.5, -0.5]]])
    networks = [("a", {"stage 1": patterns, "output": 3 * patterns}), ("b", {"stage 1": 0 * patterns})]
    figure = phase_means_figure(networks)
    panels = images(figure)
    assert len(panels) == 3
    assert {(panel.norm.vmin, panel.norm.vmax) for panel in panels} == {(-3.0, 3.0)}
    assert {text.get_text() for text in figure.texts} >= {"a", "b"}
    assert len(np.unique(drawn(figure).reshape(-1, 3), axis=0)) > 20


def test_a_mosaic_holds_up_to_sixteen_channels():
    patterns = np.arange(20 * 4).reshape(20, 2, 2).astype(float)
    panel = mosaic(patterns)
    assert panel.shape == (11, 11)
    assert panel[:2, :2].tolist() == patterns[0].tolist()
    assert panel[9:, 9:].tolist() == patterns[15].tolist()
    assert np.isnan(panel[2]).all()
    assert mosaic(patterns[:1]).tolist() == patterns[0].tolist()


@pytest.mark.parametrize("count", [1, 7])
def test_the_networks_of_a_row_share_one_scale(count):
    generator = np.random.default_rng(0)
    row = [(f"net {number}", (number + 1) * generator.normal(size=(32, 32))) for number in range(count)]
    for figure in (residual_figure([row, row[:1]]), spectrum_figure([row, row[:1]], [2, 4])):
        panels = images(figure)
        assert len(panels) == count + 1
        scales = [(panel.norm.vmin, panel.norm.vmax) for panel in panels]
        assert len(set(scales[:count])) == 1
        assert count == 1 or scales[count] != scales[0]  # the second row, which has the smallest values only
        titles = {axes.get_title() for axes in figure.axes}
        assert {name for name, _ in row} <= titles
        assert drawn(figure).shape[1] > 500


def test_the_marked_lines_are_the_grids():
    spectrum = np.zeros((32, 32))
    figure = spectrum_figure([[("a", spectrum)]], [2, 4])
    marks = np.concatenate([axes.collections[0].get_offsets() for axes in figure.axes if axes.images])
    assert {tuple(mark) for mark in marks.astype(int).tolist()} >= {(0, 16), (16, 0), (0, 0), (8, 16), (24, 24)}
    assert (16, 16) not in {tuple(mark) for mark in marks.astype(int).tolist()}
