"""The matrix as a reader sees it: marks, the second observer, what is not scored, and the figure."""

from matplotlib.patches import Rectangle

from comparison.datasets.cases import cell, datasets, scores
from fundus_unet.comparison.datasets.heat_map import heat_map
from fundus_unet.comparison.datasets.short_names import short_names
from fundus_unet.comparison.datasets.tables import (
    datasets_document,
    diameter_line,
    how_to_read,
    image_lines,
    matrix,
    set_table,
)
from fundus_unet.comparison.document import to_markdown
from fundus_unet.comparison.report.datasets_facts import datasets_answer, datasets_facts
from fundus_unet.inference.evaluation import NETWORK, NETWORK_HYSTERESIS, NETWORK_VALIDATED


def test_a_cell_says_what_its_network_knows_of_the_set() -> None:
    grid = matrix(datasets(), "dice", NETWORK)
    assert grid.header == ["trained on", "chasedb1", "hrf"]
    assert grid.rows == [
        ["made_up", "0.7500", "0.7100"],
        ["chase", "*0.8100", "0.5000"],
        ["$w$", "?0.8000", "–"],
        ["second observer", "0.7700", "–"],
    ]
    assert matrix(datasets(), "dice", NETWORK_VALIDATED).rows[0] == ["made_up", "0.7510", "0.7110"]


def test_long_names_are_cut_to_what_tells_them_apart() -> None:
    names = [
        "chasedb1_unet_transposed_k4s2p1_max-epochs-6_seed0",
        "chasedb1_unet_bilinear_conv_max-epochs-6_seed0",
        "hrf_unet_transposed_k4s2p1_max-epochs-6_seed0",
        "vessels",
        "a_name_without_an_equal_0",
        "anamethatisoneverylongword",
    ]
    found = short_names(names)
    assert list(found.values()) == [
        "chasedb1_*_k4s2p1_max-epochs-6_seed0",
        "chasedb1_*_conv_max-epochs-6_seed0",
        "hrf_*_seed0",
        "vessels",
        "a_*_0",
        "anamethatisoneverylongword",
    ]
    alike = ["eyes_of_the_first_person_seed0", "eyes_of_a_first_person_seed0"]
    assert list(short_names(alike).values()) == ["eyes_*_the_first_person_seed0", "eyes_*_a_first_person_seed0"]


def test_without_a_second_observer_there_is_no_row_of_one() -> None:
    result = datasets()
    result["second_observer"] = {"chasedb1": None, "hrf": None}
    assert [row[0] for row in matrix(result, "dice", NETWORK).rows] == ["made_up", "chase", "$w$"]


def test_marks_are_explained_where_they_are() -> None:
    lines = "\n".join(how_to_read(datasets()))
    assert "* The network learned from other images of this set." in lines
    assert "? It is not recorded" in lines
    assert "– $w$ on hrf: 06_dr cannot be read." in lines
    plain = datasets()
    plain["cells"] = {"made_up": {"chasedb1": cell(0.75), "hrf": cell(0.71)}}
    assert how_to_read(plain) == []


def test_how_large_images_are_given_is_told() -> None:
    result = datasets()
    for facts, diameter in zip(result["networks"].values(), (512.0, 640.0, 800.0), strict=True):
        facts["fov_diameter"] = diameter
    usual = "Field of view that each network was trained at, in pixels: made_up 512, {}$w$ 800."
    assert diameter_line(result) == usual.format("chase 640, ")
    result["networks"]["chase"]["vessel_calibre"] = 9.5
    result["protocol"]["match"] = "auto"
    first = "Field of view at a first look, in pixels: chase 640, then to the size at which the widest vessels are 9.5 "
    assert diameter_line(result) == f"{first}pixels wide. {usual.format('')}"
    result["protocol"]["match"] = "diameter"
    assert diameter_line(result) == usual.format("chase 640, ")


def test_images_that_are_left_out_are_counted() -> None:
    first, second = image_lines(datasets())
    assert first == (
        "chasedb1: 2 of 4 labelled images; 2 left out, since chase or $w$ learned, or may have learned, from them."
    )
    assert second == "hrf: 1 of 1 labelled images."


def test_the_document_has_every_metric_and_what_failed() -> None:
    text = to_markdown(datasets_document(datasets(), "heatmap.png"))
    for part in ("# 3 networks on 2 sets", "(heatmap.png)", "Betti-0 error", "MCC", "0.7500 (0.0100)", "not recorded"):
        assert part in text
    assert text.count("second observer") > 4
    assert "## Not compared\n\n$w$ on hrf: 06_dr cannot be read" in text


def test_masks_by_hysteresis_are_in_the_document_where_a_network_has_them() -> None:
    result = datasets()
    assert "hysteresis" not in to_markdown(datasets_document(result, "heatmap.png"))
    result["networks"]["chase"]["validation_hysteresis"] = {"low": 0.4, "high": 0.7, "least_length": 0.02}
    for found in result["cells"]["chase"].values():
        found["scores"]["field_of_view"][NETWORK_HYSTERESIS] = scores(0.6)
    text = to_markdown(datasets_document(result, "heatmap.png"))
    assert "0.40, 0.70, 0.02" in text
    assert f"## Dice, {NETWORK_HYSTERESIS}" in text
    assert f"AUROC, {NETWORK_HYSTERESIS}" not in text
    assert matrix(result, "dice", NETWORK_HYSTERESIS).rows[:2] == [
        ["made_up", "–", "–"],
        ["chase", "*0.6000", "0.6000"],
    ]
    rows = set_table(result, "hrf", pooled=False).rows
    assert [row[:2] for row in rows].count(["`chase`", "hysteresis"]) == 1
    assert len(rows) == 2 * 2 + 1


def test_the_figure_names_every_value_and_frames_own_sets() -> None:
    figure = heat_map(datasets(), "dice")
    axes = figure.axes[0]
    shown = [text.get_text() for text in axes.texts]
    assert shown == ["0.750", "0.710", "0.810", "0.500", "?0.800", "–", "0.770", "–"]
    frames = [patch.get_xy() for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [(round(x), round(y)) for x, y in frames] == [(0, 1)]  # the third network has a mark instead
    figure.canvas.draw()  # a `$` in a name is no formula
    width = figure.bbox.width
    for label in [*axes.get_yticklabels(), *axes.get_xticklabels(), *figure.texts]:
        box = label.get_window_extent()
        assert box.x0 >= 0, label
        assert box.x1 <= width, label


def test_the_answer_names_the_best_network_of_other_sets() -> None:
    facts = datasets_facts(datasets())
    assert datasets_answer(facts) == (
        "Best Dice of a network that learned from no image of the set: chasedb1 0.750 (made_up, one that did 0.810, "
        "second observer 0.770); hrf 0.710 (made_up)."
    )
    result = datasets()
    result["cells"] = {"chase": {"chasedb1": cell(0.81, own=True)}}
    result["sets"] = {"chasedb1": result["sets"]["chasedb1"]}
    assert datasets_answer(datasets_facts(result)) == (
        "These networks cannot tell: each was scored only on sets of which it learned other images."
    )
