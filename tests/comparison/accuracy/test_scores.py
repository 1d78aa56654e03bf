"""Summaries and differences of scored runs, with planted scores."""

import pytest

from fundus_unet.comparison.accuracy.scores import ScoredRun, as_plain, differences, variant_summaries
from fundus_unet.comparison.accuracy.tables import accuracy_document, how_to_read
from fundus_unet.comparison.document import to_markdown
from fundus_unet.core.errors import InputError

RATER = "network at 0.5"
IMAGES = [f"image {number}" for number in range(8)]


def scored(variant: str, seed: int, dice: float, images=IMAGES, **extra) -> ScoredRun:
    per_image = {
        name: {"dice": dice + 0.01 * number + 0.001 * seed, "betti0_error": 3.0} | extra
        for number, name in enumerate(images)
    }
    facts = {"parameters": 1000, "upsampler_parameters": 10, "flops_512": 2e9, "processor_seconds": 60.0}
    return ScoredRun(
        variant,
        seed,
        {RATER: {"dice": dice + 0.001 * seed, "auroc": None}},
        {RATER: per_image},
        facts | {"wall_seconds": None},
    )


def runs(seeds=(0, 1, 2)) -> list[ScoredRun]:
    variants = {"control": 0.8, "better": 0.9, "same": 0.8}
    return [scored(variant, seed, dice) for seed in seeds for variant, dice in variants.items()]


def result(scored_runs: list[ScoredRun], **changes):
    found = as_plain(differences(scored_runs, "control", RATER))
    return {
        "protocol": {"data": "chasedb1", "split": "test", "images": IMAGES, "differing_settings": {}},
        "control": "control",
        "variants": variant_summaries(scored_runs),
        "second_observer": {"pooled": {"dice": 0.77}, "over_images": {"betti0_error": {"mean": 41.0}}},
        "differences": {RATER: found},
        "failures": [],
    } | changes


def text_of(found) -> str:
    return to_markdown(accuracy_document(found))


def test_summaries_are_over_seeds() -> None:
    summary = variant_summaries(runs())["better"]
    assert summary["seeds"] == [0, 1, 2]
    dice = summary["scores"][RATER]["dice"]
    assert dice["pooled"]["mean"] == pytest.approx(0.901)
    assert dice["pooled"]["standard_deviation"] == pytest.approx(0.001)
    assert dice["image_mean"]["mean"] == pytest.approx(0.901 + 0.035)
    assert summary["scores"][RATER]["auroc"]["pooled"]["mean"] is None
    assert variant_summaries(runs(seeds=[1]))["same"]["scores"][RATER]["dice"]["pooled"]["standard_deviation"] is None


def test_differences_are_paired_with_the_control() -> None:
    found = differences(runs(), "control", RATER)
    assert found["dice"]["better"].mean == pytest.approx(0.1)
    assert found["dice"]["better"].verdict == "higher"
    assert found["dice"]["same"].verdict == "none"
    assert set(found) == {"dice", "betti0_error"}  # the others are undefined everywhere


def test_only_common_seeds_are_paired() -> None:
    some = [run for run in runs() if (run.variant, run.seed) != ("better", 1)]
    found = differences(some, "control", RATER)["dice"]
    assert (found["better"].seeds, found["same"].seeds) == (2, 3)
    lonely = [run for run in some if run.variant != "better"] + [scored("better", 9, 0.9)]
    with pytest.raises(InputError, match="no seed in common"):
        differences(lonely, "control", RATER)


def test_bad_comparisons() -> None:
    with pytest.raises(InputError, match="control was not scored"):
        differences(runs(), "nobody", RATER)
    with pytest.raises(InputError, match="given twice"):
        differences([*runs(), scored("same", 0, 0.7)], "control", RATER)
    with pytest.raises(InputError, match="other images"):
        differences([*runs(), scored("other", 0, 0.7, images=IMAGES[:3])], "control", RATER)


def test_the_text_says_what_was_found() -> None:
    text = text_of(result(runs()))
    assert "| Dice | `better` | +0.1000 | +0.1000 to +0.1000 |" in text
    line = next(line for line in text.splitlines() if line.startswith("| Dice | `better`"))
    assert line.endswith("| higher |")
    assert "| `better` | 0, 1, 2 | 1,000 | 10 | 2.00 | 60 |  |" in text
    assert "| second observer | 0.7700 | 41.0 |" in text, "without columns that no row has a value in"


def test_one_seed_is_said_to_give_no_interval() -> None:
    text = text_of(result(runs(seeds=[0])))
    assert "One seed" in text
    assert "cannot be told" in text


def test_a_comparison_that_can_find_nothing_says_so() -> None:
    variants = {"control": 0.8} | {f"variant{number}": 0.9 for number in range(7)}
    many = [scored(variant, seed, dice) for seed in range(3) for variant, dice in variants.items()]
    assert "cannot call any difference real" in how_to_read(as_plain(differences(many, "control", RATER)))


def test_failures_and_different_settings_are_told() -> None:
    failures = [{"run": "variant_seed1", "reason": "training diverged"}]
    protocol = result(runs())["protocol"] | {"differing_settings": {"data.patch_size": {"a": 1, "b": 2}}}
    text = text_of(result(runs(), failures=failures, protocol=protocol))
    assert "\nvariant_seed1: training diverged\n" in text
    assert "`data.patch_size`" in text
