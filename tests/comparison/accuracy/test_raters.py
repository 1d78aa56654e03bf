"""Runs that an earlier version evaluated, without hysteresis or without ECE, beside others."""

from comparison.report.cases import accuracy
from fundus_unet.comparison.accuracy.scored_runs import with_same_metrics, with_same_raters
from fundus_unet.comparison.accuracy.scores import ScoredRun
from fundus_unet.comparison.accuracy.tables import accuracy_document, accuracy_table
from fundus_unet.comparison.document import Grid

RATERS = ("network at 0.5", "network at validation threshold", "network with hysteresis")


def run(variant: str, raters: int) -> ScoredRun:
    pooled = {rater: {"dice": 0.8} for rater in RATERS[:raters]}
    per_image = {rater: {"a": {"dice": 0.8}} for rater in RATERS[:raters]}
    return ScoredRun(variant, 0, pooled, per_image, {"run_dir": f"runs/{variant}"})


def test_all_raters_stay_where_every_run_has_them() -> None:
    runs = [run("k4", 3), run("k3", 3)]
    assert with_same_raters(runs) == (runs, [])


def test_hysteresis_is_left_out_where_a_run_lacks_it_and_that_is_told() -> None:
    found, lacking = with_same_raters([run("k4", 3), run("k3", 2)])
    assert found == [run("k4", 2), run("k3", 2)]
    assert lacking == ["runs/k3"]
    assert with_same_raters([run("k4", 2)]) == ([run("k4", 2)], ["runs/k4"])


def test_the_document_names_them() -> None:
    result = with_costs(accuracy())
    assert "hysteresis" not in text_of(result)
    result["protocol"]["without_hysteresis"] = ["runs/k3"]
    assert "No masks by hysteresis: an earlier version evaluated `runs/k3`." in text_of(result)


def scored(variant: str, *metrics: str) -> ScoredRun:
    scores = dict.fromkeys(metrics, 0.8)
    return ScoredRun(variant, 0, {RATERS[0]: scores}, {RATERS[0]: {"a": scores}}, {"run_dir": f"runs/{variant}"})


def test_all_metrics_stay_where_every_run_has_them() -> None:
    runs = [scored("k4", "dice", "ece"), scored("k3", "dice", "ece")]
    assert with_same_metrics(runs) == (runs, {})
    runs = [scored("k4", "dice"), scored("k3", "dice")]
    assert with_same_metrics(runs) == (runs, {}), "of a version that had no ECE"


def test_a_metric_that_a_run_lacks_is_left_out_and_that_is_told() -> None:
    found, lacking = with_same_metrics([scored("k4", "dice", "ece"), scored("k3", "dice")])
    assert found == [scored("k4", "dice"), scored("k3", "dice")]
    assert lacking == {"ece": ["runs/k3"]}
    result = with_costs(accuracy())
    assert "No ECE" not in text_of(result)
    result["protocol"]["without_metrics"] = lacking
    assert "No ECE: an earlier version evaluated `runs/k3`. `fundus-unet evaluate` adds it." in text_of(result)


def test_the_table_has_a_column_of_ece_where_the_runs_have_it() -> None:
    result = with_costs(accuracy())
    assert accuracy_table(result, RATERS[0]).header[-1] == "ECE"
    for summary in result["variants"].values():
        del summary["scores"][RATERS[0]]["ece"]
    assert accuracy_table(result, RATERS[0]).header[-1] == "AP"


def with_costs(result: dict) -> dict:
    cost = {"upsampler_parameters": 1, "flops_512": 1e9, "processor_seconds": 1.0, "wall_seconds": 1.0}
    for summary in result["variants"].values():
        summary["runs"] = {seed: facts | cost for seed, facts in summary["runs"].items()}
    return result


def text_of(result: dict) -> str:
    return "\n".join(part for part in accuracy_document(result) if not isinstance(part, Grid))
