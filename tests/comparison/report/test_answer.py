"""The three sentences say what the numbers say, and no more."""

import pytest

from comparison.report.cases import EVERY, VARIANTS, accuracy, checkerboard, measures, speed, speed_row
from fundus_unet.comparison.report.accuracy_facts import accuracy_facts
from fundus_unet.comparison.report.answer import accuracy_answer, checkerboard_answer, speed_answer
from fundus_unet.comparison.report.checkerboard_facts import checkerboard_facts
from fundus_unet.comparison.report.speed_facts import speed_facts


def of_accuracy(**settings) -> str:
    return accuracy_answer(accuracy_facts(accuracy(**settings)))


def of_found(found) -> str:
    return accuracy_answer({"control": "k4", "differences": {"dice": found}})


def difference(mean, low, high, verdict, seeds=3, images=8):
    known = {"interval": (low, high)} if low is not None else {"interval": None}
    return known | {
        "mean": mean,
        "verdict": verdict,
        "seeds": seeds,
        "images": images,
        "smallest_p": 2.0 ** (1 - images),
    }


NOISE = {"k3": difference(0.001, -0.002, 0.003, "none"), "bilinear": difference(-0.0005, -0.004, 0.001, "none")}
UNKNOWN = {"k3": difference(0.1, None, None, "unknown", seeds=1)}
REAL = {"k3": difference(-0.02, -0.03, -0.01, "lower")}


def test_noise_is_told_with_its_bounds() -> None:
    assert of_found(NOISE) == (
        "No difference in Dice to k4 was found (3 seeds, 8 images): all 95 % intervals lie within −0.0040 to +0.0030."
    )
    one = {"k3": NOISE["k3"]}
    assert of_found(one).endswith("its 95 % interval lies within −0.0020 to +0.0030.")
    mixed = of_found(NOISE | UNKNOWN)
    assert mixed.endswith("within −0.0040 to +0.0010; one seed cannot tell for k3.")


def test_a_real_difference_is_named() -> None:
    text = "k3 is less accurate than k4 by 0.0200 Dice (95 % interval −0.0300 to −0.0100)"
    assert of_found(REAL) == f"{text}."
    assert of_found(REAL | {"bilinear": NOISE["bilinear"]}) == f"{text}; no other difference was found."
    higher = REAL | {"bilinear": difference(0.01, 0.005, 0.015, "higher")}
    assert of_found(higher).startswith(f"{text} and bilinear is more accurate than k4 by 0.0100 Dice")
    assert "no other" not in of_found(higher)


def test_a_cross_validation_is_told_with_what_its_interval_does_not_cover() -> None:
    text = of_accuracy(effect=0.1, seeds=1, images=12, folds=4)
    assert "k3 is more accurate than k4 by 0.1" in text
    assert "; one seed, 4 folds, 12 images)" in text
    assert ". All folds started from one seed's weights, which the interval" in text
    assert "(one seed, 4 folds, 12 images): all 95 %" in of_accuracy(seeds=1, images=12, folds=4)
    several = of_accuracy(effect=0.1, seeds=3, images=12, folds=4)
    assert several.endswith("; 3 seeds, 4 folds, 12 images).")
    assert "folds" not in of_accuracy(effect=0.1)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"seeds": 1}, "one seed says nothing of how far two trainings lie apart"),
        ({"images": 1}, "one test image is no sample"),
        ({"images": 4}, "4 test images are too few for any difference to reach p < 0.05 (at least 7 needed)"),
    ],
)
def test_runs_without_power_cannot_tell(settings, reason) -> None:
    assert of_accuracy(effect=0.1, **settings) == (f"These runs cannot tell which variant is more accurate: {reason}.")


def test_as_many_images_as_are_said_to_be_needed_are_enough() -> None:
    assert "cannot tell" in of_accuracy(effect=0.1, images=6)
    assert "cannot tell" not in of_accuracy(effect=0.1, images=7)
    assert "k3 is more accurate than k4 by 0.1" in of_accuracy(effect=0.1, images=7)


def test_one_variant_is_no_comparison() -> None:
    assert of_accuracy(variants=["k4"]) == "These runs cannot tell: only k4 has a score."


def test_speed_of_two_three_and_many() -> None:
    def answer(variants, **settings):
        return speed_answer(speed_facts(speed(variants, **settings), "32-true"))

    assert answer(VARIANTS[:2]) == (
        "Relative to k4, inference takes 1.10 (k3) times as long, a training step 1.10 (k3) times."
    )
    assert "inference takes 1.10 (k3) and 1.20 (bilinear) times as long" in answer(VARIANTS)
    assert "inference takes 1.10 (k3) to 1.60 (equal_gain) times as long" in answer(EVERY)
    assert answer(VARIANTS[:2], modes=["training"]) == "Relative to k4, a training step takes 1.10 (k3) times as long."
    assert answer(["k4"]) == "These measurements cannot tell: no other variant was timed beside k4."
    for number in range(1, 8):
        assert "lie between" not in answer(EVERY[:number])


def test_speed_without_the_control_cannot_be_told() -> None:
    result = speed(["k4", "k3"], modes=["inference"])
    result["rows"] = [speed_row("k4", "inference", None), speed_row("k3", "inference", None)]
    facts = speed_facts(result, "32-true")
    assert speed_answer(facts) == "These measurements cannot tell: no other variant was timed beside k4."
    assert facts["not_timed"] == ["k3: out of memory", "k4: out of memory"]


def test_the_setting_most_like_training_is_timed() -> None:
    rows = [
        speed_row("k4", "training", 1.0),
        speed_row("k3", "training", 0.9),
        speed_row("k3", "training", 0.3, compiled=True),
        speed_row("k3", "training", 0.1, dtype="bfloat16"),
        speed_row("k3", "training", 0.2, memory_format="contiguous"),
    ]
    result = speed() | {"rows": rows}
    assert speed_facts(result, "32-true")["ratios"]["training"]["k3"][0] == 0.9
    assert speed_facts(result, "bf16-mixed")["ratios"]["training"]["k3"][0] == 0.1
    nothing = speed_facts(result | {"rows": [speed_row("k4", "training", 1.0, level="layer")]}, "32-true")
    assert speed_answer(nothing) == "These measurements cannot tell: no whole network was timed."


def test_checkerboards() -> None:
    def answer(result):
        return checkerboard_answer(checkerboard_facts(result))

    assert answer(checkerboard()) == (
        "After training the strongest checkerboard in the logits (k4) has 1 % of their standard deviation, fainter "
        "than the 5 % planted as a test; at initialization it has up to 20 % (k4)."
    )
    strong = checkerboard(states=["trained"])
    strong["variants"]["k3"]["trained"] = measures(0.01)
    assert answer(strong) == (
        "After training the strongest checkerboard in the logits (k3) has 10 % of their standard deviation."
    )
    assert answer(checkerboard(states=["init"])) == (
        "At initialization the strongest checkerboard in the logits has 20 % of their standard deviation (k4); "
        "untrained networks cannot tell what is left after training."
    )
    nothing = checkerboard(["k4"]) | {"variants": {"k4": {"init": measures(None)}}}
    assert "cannot tell" in answer(nothing)
