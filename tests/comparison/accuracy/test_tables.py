"""What the tables of accuracy say beyond the numbers that they are given."""

import pytest

from comparison.report.cases import accuracy
from fundus_unet.comparison.accuracy.tables import difference_table, possible

RATER = "network at 0.5"


def result(metric: str, control: float | None):
    scores = {metric: {"image_mean": {"mean": control}}}
    return {"control": "k4", "variants": {"k4": {"scores": {RATER: scores}}}}


@pytest.mark.parametrize(
    ("metric", "control", "given", "shown"),
    [
        ("dice", 0.75, (-0.5, 0.5), (-0.5, 0.25)),
        ("dice", 0.75, (-2.0, 0.1), (-0.75, 0.1)),
        ("dice", 0.75, (-0.01, 0.02), (-0.01, 0.02)),
        ("mcc", 0.5, (-2.0, 2.0), (-1.5, 0.5)),
        ("betti0_error", 10.0, (-20.0, 1e6), (-10.0, 1e6)),
        ("dice", None, (-2.0, 2.0), (-2.0, 2.0)),
        ("dice", 0.75, None, None),
    ],
)
def test_an_interval_stays_within_what_a_score_can_be(metric, control, given, shown) -> None:
    assert possible(given, result(metric, control), RATER, metric) == shown


def test_a_p_value_is_never_nought() -> None:
    found = accuracy(["k4", "k3"], images=28, effect=0.1)
    found["differences"][RATER]["auroc"]["k3"]["corrected_p"] = 0.0010
    grid = difference_table(found, RATER)
    p = {row[0]: row[list(grid.header).index("p (Holm)")] for row in grid.rows}
    assert found["differences"][RATER]["dice"]["k3"]["corrected_p"] < 0.0005
    assert p["Dice"] == "< 0.001"
    assert p["AUROC"] == "0.001"
