"""What the tables of accuracy say beyond the numbers that they are given."""

import pytest

from fundus_unet.comparison.accuracy.tables import possible

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
