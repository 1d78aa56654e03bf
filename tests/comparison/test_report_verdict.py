"""The plain words say what the numbers say."""

import pytest

from fundus_unet.comparison.report.verdict import accuracy_verdict, observer_verdict, speed_verdict
from fundus_unet.comparison.speed.tables import rows_as_trained

READER = "network at 0.5"


def difference(mean: float, low: float, high: float, verdict: str, p: float = 0.5):
    return {"mean": mean, "interval": [low, high], "corrected_p": p, "verdict": verdict}


def accuracy(found, metric="dice", observer=0.79):
    dice = {"k4": 0.81, "k3": 0.80, "bilinear": 0.78}
    return {
        "control": "k4",
        "differences": {READER: {metric: found} if found else {}},
        "arms": {arm: {"scores": {READER: {"dice": {"pooled": {"mean": value}}}}} for arm, value in dice.items()},
        "second_observer": {"pooled": {"dice": observer}} if observer else None,
    }


def test_nothing_but_noise() -> None:
    found = {"k3": difference(0.001, -0.002, 0.003, "none"), "bilinear": difference(-0.0005, -0.004, 0.001, "none")}
    text = accuracy_verdict(accuracy(found), READER, "dice")
    assert text.startswith("**Dice**: No upsampler shows a difference to `k4` that is more than noise")
    assert "between -0.0005 and +0.0010" in text
    assert "within -0.0040 to +0.0030" in text
    assert "Differences of up to 0.0040 cannot be excluded." in text


def test_a_real_difference_is_named_with_its_direction() -> None:
    found = {"k3": difference(-0.02, -0.03, -0.01, "lower", 0.01), "bilinear": difference(0.0, -0.004, 0.001, "none")}
    text = accuracy_verdict(accuracy(found), READER, "dice")
    assert "`k3` is worse than `k4` by 0.0200 (95 % interval of the difference -0.0300 to -0.0100" in text
    assert "The other arms show no difference to `k4`" in text
    assert "within -0.0040 to +0.0010" in text


def test_fewer_pieces_are_better() -> None:
    found = {"k3": difference(-12.0, -15.0, -9.0, "lower", 0.01)}
    assert "`k3` is better than `k4` by 12.0" in accuracy_verdict(
        accuracy(found, "betti0_error"), READER, "betti0_error"
    )


def test_one_seed_and_one_arm() -> None:
    unknown = {"k3": {"mean": 0.1, "interval": None, "corrected_p": None, "verdict": "unknown"}}
    assert "One seed only for `k3`" in accuracy_verdict(accuracy(unknown), READER, "dice")
    mixed = unknown | {"bilinear": difference(0.001, -0.002, 0.003, "none")}
    text = accuracy_verdict(accuracy(mixed), READER, "dice")
    assert "One seed only for `k3`" in text
    assert "up to 0.0030 cannot be excluded" in text
    assert "nothing to compare" in accuracy_verdict(accuracy(None), READER, "dice")


@pytest.mark.parametrize(("observer", "said"), [(0.79, "2 of 3 arms exceed"), (0.7, "every arm exceeds"), (None, None)])
def test_the_second_observer(observer, said) -> None:
    text = observer_verdict(accuracy(None, observer=observer), READER)
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
    text = speed_verdict(*rows_as_trained(SPEED, "training", "bf16-mixed"), "k4")
    assert "0.90 (`k3`; quartiles 0.89 to 0.91) to 1.25 (`bilinear`; quartiles 1.24 to 1.26) times" in text
    assert "cpu bfloat16 channels_last eager, 8 x 96 x 96" in text
    assert speed_verdict("alone", [row("k4", 1.0)], "k4") is None
    assert speed_verdict("no control", [row("k3", 1.0)], "k4") is None
