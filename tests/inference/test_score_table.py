"""The table of scores: one, in the field of view, a row per threshold, within 80 columns."""

from rich.console import Console

from fundus_unet.inference.score_table import FITTING, print_scores
from fundus_unet.metrics.registry import METRICS, Metric

RATERS = {
    "network at 0.5": 0.5,
    "network at validation threshold": 0.31,
    "network with hysteresis": 0.5,
    "second observer": 0.5,
}
MASKS_ALONE = ("network with hysteresis", "second observer")
NEAR = {"low": 0.46667, "high": 0.53333, "pixels": 1000, "mean_probability": 0.5012, "vessel_fraction": 0.4249}
HYSTERESIS = {"low": 0.4, "high": 0.7, "least_length": 0.02}


def metrics(**pooled: float) -> dict:
    """Every score at its widest, as evaluation writes it: no ranking of an observer, no pooled Betti-0 error."""
    summaries = {}
    for rater, threshold in RATERS.items():
        names = [
            name for name in METRICS if rater not in MASKS_ALONE or name not in ("auroc", "average_precision", "ece")
        ]
        over_images = {
            name: {"mean": 1234.56, "standard_deviation": 321.04, "images": 8}
            if name == "betti0_error"
            else {"mean": 0.7654321, "standard_deviation": None, "images": 8}
            for name in names
        }
        values = {name: 0.8123456 for name in names if name != "betti0_error"} | pooled
        summaries[rater] = {"threshold": threshold, "pooled": values, "over_images": over_images}
        if rater not in MASKS_ALONE:
            summaries[rater]["near_threshold"] = NEAR
    return {"field_of_view": summaries, "validation_threshold": 0.31, "validation_hysteresis": HYSTERESIS}


def printed(values: dict) -> list[str]:
    console = Console(width=80, no_color=True)
    with console.capture() as capture:
        print_scores(console, values, "test, 8 images")
    return [line.rstrip() for line in capture.get().splitlines() if line.strip()]


def test_the_widest_table_fits_80_columns_with_nothing_left_out():
    for lines in (printed(metrics()), printed(metrics(mcc=-0.1234567))):
        assert max(map(len, lines)) <= 80
        assert "…" not in "".join(lines)
        assert lines[1].split() == [metric.short for metric in METRICS.values() if metric.column][:FITTING]
    assert "-0.1235" in lines[3]


def test_what_stands_in_which_column():
    title, _, _, *rows = printed(metrics(cldice=0.4))
    assert title == "test, 8 images, in the field of view"
    assert rows[0].split() == ["network", "at", "0.5", "0.8123", "0.4000", "1234.6", *["0.8123"] * 6]
    assert rows[1].split() == ["network", "at", "0.31", "0.8123", "0.4000", "1234.6", *["0.8123"] * 6]
    assert rows[2].split() == ["with", "hysteresis", "0.8123", "0.4000", "1234.6", *["0.8123"] * 4]
    assert rows[3].split() == ["second", "observer", "0.8123", "0.4000", "1234.6", *["0.8123"] * 4]
    assert " ".join(rows[4:6]) == (
        "Calibration: ECE 0.8123; where the probability is 0.47 to 0.53, "
        "42 % of the pixels are vessel (calibrated: 50 %)."
    )
    rows = rows[2:]
    assert rows[4].startswith("0.31 is the threshold of best Dice on the validation images")
    assert " ".join(rows[5:7]) == (
        "Hysteresis, chosen there too: low 0.40, high 0.70, pieces from 0.02 field-of-view diameters."
    )
    assert rows[7] == "pieces: Betti-0 error, how many more or fewer than the label, mean over images."


def test_no_pixel_near_the_threshold_is_no_percentage():
    found = metrics()
    nothing = {"pixels": 0, "mean_probability": None, "vessel_fraction": None}
    found["field_of_view"]["network at 0.5"]["near_threshold"] = NEAR | nothing
    assert "Calibration: ECE 0.8123." in printed(found)


def test_a_score_without_a_value_leaves_its_cell_empty():
    rows = printed(metrics(dice=None))
    assert rows[3].split()[:4] == ["network", "at", "0.5", "0.8123"]


def test_a_tenth_metric_gets_a_table_of_its_own(monkeypatch):
    monkeypatch.setitem(METRICS, "precision", Metric("precision", "precision", "prec.", lambda counts: None))
    lines = printed(metrics())
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert [line.split() for line in lines].count(["prec."]) == 1


def test_a_second_observer_of_some_images_is_told() -> None:
    some = metrics()
    some["field_of_view"]["second observer"]["over_images"]["dice"]["images"] = 3
    told = "The second observer's row is of 3 of the 8 images, so the two do not compare."
    assert told in printed(some)
    assert told not in printed(metrics())
