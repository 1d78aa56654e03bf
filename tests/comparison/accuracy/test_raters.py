"""Runs that an earlier version evaluated, without hysteresis, beside others."""

from comparison.report.cases import accuracy
from fundus_unet.comparison.accuracy.scored_runs import with_same_raters
from fundus_unet.comparison.accuracy.scores import ScoredRun
from fundus_unet.comparison.accuracy.tables import accuracy_document
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
    result = accuracy()
    cost = {"upsampler_parameters": 1, "flops_512": 1e9, "processor_seconds": 1.0, "wall_seconds": 1.0}
    for summary in result["variants"].values():
        summary["runs"] = {seed: facts | cost for seed, facts in summary["runs"].items()}
    assert "hysteresis" not in text_of(result)
    result["protocol"]["without_hysteresis"] = ["runs/k3"]
    assert "No masks by hysteresis: an earlier version evaluated `runs/k3`." in text_of(result)


def text_of(result: dict) -> str:
    return "\n".join(part for part in accuracy_document(result) if not isinstance(part, Grid))
