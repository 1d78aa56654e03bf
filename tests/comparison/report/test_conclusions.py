"""The plain words say what the numbers say."""

import pytest

from fundus_unet.comparison.report.checkerboard_conclusions import checkerboard_conclusions
from fundus_unet.comparison.report.conclusions import (
    accuracy_conclusion,
    observer_conclusion,
    short_answer,
    speed_conclusion,
)
from fundus_unet.comparison.speed.tables import rows_as_trained

RATER = "network at 0.5"


def difference(mean: float, low: float, high: float, verdict: str, p: float = 0.5):
    return {"mean": mean, "interval": [low, high], "corrected_p": p, "verdict": verdict, "seeds": 3, "images": 8}


def accuracy(found, metric="dice", observer=0.79):
    dice = {"k4": 0.81, "k3": 0.80, "bilinear": 0.78}
    return {
        "control": "k4",
        "differences": {RATER: {metric: found} if found else {}},
        "variants": {
            variant: {"scores": {RATER: {"dice": {"pooled": {"mean": value}}}}} for variant, value in dice.items()
        },
        "second_observer": {"pooled": {"dice": observer}} if observer else None,
    }


def test_nothing_but_noise() -> None:
    found = {"k3": difference(0.001, -0.002, 0.003, "none"), "bilinear": difference(-0.0005, -0.004, 0.001, "none")}
    text = accuracy_conclusion(accuracy(found), RATER, "dice")
    assert text.startswith("**Dice**: No upsampler shows a difference to `k4` that is more than noise")
    assert "between -0.0005 and +0.0010" in text
    assert "within -0.0040 to +0.0030" in text
    assert "Differences of up to 0.0040 cannot be excluded." in text


def test_a_real_difference_is_named_with_its_direction() -> None:
    found = {"k3": difference(-0.02, -0.03, -0.01, "lower", 0.01), "bilinear": difference(0.0, -0.004, 0.001, "none")}
    text = accuracy_conclusion(accuracy(found), RATER, "dice")
    assert "`k3` is worse than `k4` by 0.0200 (95 % interval of the difference -0.0300 to -0.0100" in text
    assert "The other variants show no difference to `k4`" in text
    assert "within -0.0040 to +0.0010" in text


def test_fewer_pieces_are_better() -> None:
    found = {"k3": difference(-12.0, -15.0, -9.0, "lower", 0.01)}
    assert "`k3` is better than `k4` by 12.0" in accuracy_conclusion(
        accuracy(found, "betti0_error"), RATER, "betti0_error"
    )


def test_one_seed_and_one_variant() -> None:
    unknown = {"k3": {"mean": 0.1, "interval": None, "corrected_p": None, "verdict": "unknown"}}
    assert "One seed only for `k3`" in accuracy_conclusion(accuracy(unknown), RATER, "dice")
    mixed = unknown | {"bilinear": difference(0.001, -0.002, 0.003, "none")}
    text = accuracy_conclusion(accuracy(mixed), RATER, "dice")
    assert "One seed only for `k3`" in text
    assert "up to 0.0030 cannot be excluded" in text
    assert "nothing to compare" in accuracy_conclusion(accuracy(None), RATER, "dice")


@pytest.mark.parametrize(
    ("observer", "said"), [(0.79, "2 of 3 variants exceed"), (0.7, "every variant exceeds"), (None, None)]
)
def test_the_second_observer(observer, said) -> None:
    text = observer_conclusion(accuracy(None, observer=observer), RATER)
    assert (text is None) if said is None else said in text


def row(upsampler, ratio, **changes):
    return {
        "upsampler": upsampler,
        "level": "network",
        "stage": None,
        "mode": "training",
        "device": "cpu",
        "dtype": "bfloat16",
        "memory_format": "channels_last",
        "compiled": False,
        "batch_size": 8,
        "image_size": [96, 96],
        "ratio_to_control": ratio,
        "ratio_lower_quartile": None if ratio is None else ratio - 0.01,
        "ratio_upper_quartile": None if ratio is None else ratio + 0.01,
    } | changes


def grids(output: float, stage: float = 0.0, decibels: float = 0.5, shift: float = 0.004):
    """The measures of a network whose grids have these sizes."""
    return {
        "gain_imbalance": {"stage 1": {"mean": 0.8}, "stage 2": {"mean": 0.7}},
        "phase_energy": {
            "stage 1": {"excess": 0.9},
            "stage 2": {"excess": stage},
            "output, period 2": {"excess": output},
            "output, period 4": {"excess": 0.9},
        },
        "grid_line_spectrum": {
            "period 2, x": {"mean": decibels},
            "period 2, y": {"mean": -1.0},
            "period 4, x": {"mean": 99.0},
        },
        "subgrid_shift_sensitivity": {"probability": {"mean": shift}, "dice": {"mean": 0.9}},
        "gradient_phase_energy": {"period 2": {"excess": 0.0}},
    }


CHECKERBOARD = {
    "variants": {
        "k4": {"init": grids(0.04, 0.25, 30.0, 0.05), "trained": grids(1e-4, 0.4, 17.0, 0.004)},
        "bilinear": {"init": grids(-1e-7, 1e-4, 1.5, 0.06), "trained": grids(0.0, -1e-5, 0.6, 0.005)},
    }
}
RATIOS = {"k4": 1.0, "k3": 0.9, "bilinear": 1.25, "failed": None}
SPEED = {
    "rows": [
        row("k3", 0.3, compiled=True),
        row("k3", 0.1, dtype="float32"),
        row("k4", 1.0),
        row("k3", 0.9),
        row("bilinear", 1.25),
        row("failed", None),
        row("k3", 0.2, memory_format="contiguous"),
        row("k3", 0.4, mode="inference"),
    ],
}


def test_the_setting_most_like_training_is_chosen() -> None:
    title, rows = rows_as_trained(SPEED, "training", "bf16-mixed")
    assert title == "network training, cpu bfloat16 channels_last eager, 8 x 96 x 96"
    assert [row["upsampler"] for row in rows] == ["k4", "k3", "bilinear", "failed"]
    assert rows_as_trained(SPEED, "training", "32-true")[1][0]["dtype"] == "float32"
    assert rows_as_trained({"rows": []}, "training", "32-true") is None


def test_the_fastest_and_the_slowest_are_named() -> None:
    text = speed_conclusion(*rows_as_trained(SPEED, "training", "bf16-mixed"), "k4")
    assert "0.90 (`k3`; quartiles 0.89 to 0.91) to 1.25 (`bilinear`; quartiles 1.24 to 1.26) times" in text
    assert "cpu bfloat16 channels_last eager, 8 x 96 x 96" in text
    assert speed_conclusion("alone", [row("k4", 1.0)], "k4") is None
    assert speed_conclusion("no control", [row("k3", 1.0)], "k4") is None


def test_in_short_noise_is_no_reason_to_choose() -> None:
    found = {"k3": difference(0.001, -0.002, 0.003, "none"), "bilinear": difference(-0.0005, -0.004, 0.001, "none")}
    text = short_answer(accuracy(found), None, None, RATER, "bf16-mixed")
    assert text == (
        "**In short**: Accuracy gives no reason to choose: with 3 seeds and 8 images, no upsampling was found "
        "to be better or worse than `k4`; differences of up to 0.0040 Dice cannot be excluded."
    )
    unknown = {"mean": 0.1, "interval": None, "corrected_p": None, "verdict": "unknown", "seeds": 1, "images": 8}
    text = short_answer(accuracy(found | {"k3": unknown}), None, None, RATER, "bf16-mixed")
    assert "up to 0.0040 Dice cannot be excluded, and one seed cannot tell for `k3`." in text
    text = short_answer(accuracy({"k3": unknown}), None, None, RATER, "bf16-mixed")
    assert text == "**In short**: One seed cannot tell whether an upsampling is more accurate than another."
    assert short_answer(accuracy(None), None, None, RATER, "bf16-mixed") is None


def test_in_short_a_real_difference_is_named() -> None:
    real = {"k3": difference(-0.02, -0.03, -0.01, "lower", 0.01)}
    text = short_answer(accuracy(real), None, None, RATER, "bf16-mixed")
    assert "`k3` is less accurate than `k4` (-0.0200 Dice); all differ from it." in text
    real["bilinear"] = difference(0.001, -0.002, 0.003, "none")
    text = short_answer(accuracy(real), None, None, RATER, "bf16-mixed")
    assert "`k3` is less accurate than `k4` (-0.0200 Dice); no other difference was found." in text


def test_in_short_speed_and_checkerboards() -> None:
    speed = {"control": "k4", "rows": [row(variant, ratio, mode="inference") for variant, ratio in RATIOS.items()]}
    text = short_answer(None, speed, CHECKERBOARD, RATER, "bf16-mixed")
    assert "At inference, `k3` takes 0.90 times as long as `k4` and `bilinear` 1.25 times; the others lie" in text
    assert "the strongest checkerboard has 1 % of their standard deviation (`k4`), fainter than the 5 % planted" in text
    two = {"control": "k4", "rows": speed["rows"][:2]}
    text = short_answer(None, two, {"variants": {"k4": {"init": grids(0.01)}}}, RATER, "bf16-mixed")
    assert text == "**In short**: At inference, `k3` takes 0.90 times as long as `k4`."


def test_checkerboards_in_plain_words() -> None:
    inside, logits, shift = checkerboard_conclusions(CHECKERBOARD["variants"])
    assert "At initialization, of the variance that leaves the last upsampling, a grid is 25 % (`k4`); " in inside
    assert inside.endswith("less than 0.25 % with `bilinear`.")
    assert "After training, of the variance that leaves the last upsampling, a grid is 40 % (`k4`); " in inside
    assert "at initialization at most 20 % (`k4`), after training at most 1 % (`k4`) of their standard" in logits
    assert "at initialization 1.5 dB (`bilinear`) to 30.0 dB (`k4`), after training" in logits
    assert "at initialization by 0.0500 (`k4`) to 0.0600 (`bilinear`), after training by" in shift
    alone = {"bilinear": {"trained": CHECKERBOARD["variants"]["bilinear"]["trained"]}}
    assert checkerboard_conclusions(alone)[0].endswith("a grid is less than 0.25 % with `bilinear`.")
    assert len(checkerboard_conclusions(alone)) == 3


def test_a_measure_without_a_value_is_not_spoken_of() -> None:
    vae = grids(0.04)
    vae["subgrid_shift_sensitivity"]["probability"]["mean"] = None
    for place in vae["grid_line_spectrum"].values():
        place["mean"] = None
    inside, logits = checkerboard_conclusions({"k4": {"init": vae}})
    assert "At initialization" in inside
    assert "checkerboard level" not in logits
