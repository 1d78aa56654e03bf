"""The scores of an evaluation as one table for the terminal."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from fundus_unet.inference.evaluation import NETWORK, NETWORK_HYSTERESIS, NETWORK_VALIDATED, SECOND_OBSERVER
from fundus_unet.metrics.registry import METRICS

FITTING = 9
"""Columns of scores that fit a terminal of 80."""


def print_scores(console: Console, metrics: dict[str, Any], title: str) -> None:
    """Print the scores in the field of view: a row for every mask of the network and for the second observer.

    Scores are pooled over all pixels where they can be, else means over images. Metrics beyond those that fit a
    terminal follow in a second table.

    Args:
        metrics: As `Evaluation.metrics` gives them, with `validation_threshold` and `validation_hysteresis`.
    """
    raters, keys = metrics["field_of_view"], [key for key, metric in METRICS.items() if metric.column]
    console.print(f"\n{title}, in the field of view", highlight=False)
    for start in range(0, len(keys), FITTING):
        console.print(_table(raters, keys[start : start + FITTING]))
    console.print(_calibration(raters[NETWORK]), highlight=False)
    if SECOND_OBSERVER in raters and (part := _partly_labelled(raters)):
        console.print(part, highlight=False, style="yellow")
    of_images = ", ".join(f"{metric.short}: {metric.title}" for metric in METRICS.values() if not metric.pooled)
    console.print(
        f"{metrics['validation_threshold']:.2f} is the threshold of best Dice on the validation images.\n"
        f"{_of_hysteresis(metrics.get('validation_hysteresis'))}"
        f"{of_images}, how many more or fewer than the label, mean over images.\n"
        "All else is pooled over pixels; the whole image and single images: metrics.json.",
        highlight=False,
        style="dim",
    )


def _calibration(network: dict[str, Any]) -> str:
    """Whether the probability can be taken at its word, overall and where it decides."""
    near = network["near_threshold"]
    text = f"Calibration: ECE {METRICS['ece'].format(network['pooled']['ece'])}"
    if not near["pixels"]:
        return f"{text}."
    return (
        f"{text}; where the probability is {near['low']:.2f} to {near['high']:.2f},\n"
        f"{near['vessel_fraction']:.0%} of the pixels are vessel (calibrated: {near['mean_probability']:.0%})."
    ).replace("%", " %")


def _of_hysteresis(found: dict[str, float] | None) -> str:
    if found is None:
        return ""
    return (
        f"Hysteresis, chosen there too: low {found['low']:.2f}, high {found['high']:.2f}, pieces\n"
        f"from {found['least_length']:g} field-of-view diameters.\n"
    )


def _partly_labelled(raters: dict[str, Any]) -> str:
    """What is to be told where the second observer has not all images, as in a mixture of sets."""
    labelled, all_images = (raters[name]["over_images"]["dice"]["images"] for name in (SECOND_OBSERVER, NETWORK))
    if labelled == all_images:
        return ""
    return f"The {SECOND_OBSERVER}'s row is of {labelled} of the {all_images} images, so the two do not compare."


def _table(raters: dict[str, Any], keys: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    table.add_column("", no_wrap=True)
    for key in keys:
        table.add_column(METRICS[key].short, justify="right", no_wrap=True)
    for rater, summary in raters.items():
        shown = {
            NETWORK_VALIDATED: f"network at {summary['threshold']:.2f}",
            NETWORK_HYSTERESIS: "with hysteresis",
        }.get(rater, rater)
        table.add_row(shown, *(METRICS[key].format(_value(summary, key)) for key in keys))
    return table


def _value(summary: dict[str, Any], key: str) -> float | None:
    """Over all pixels, or the mean over images."""
    if METRICS[key].pooled:
        return summary["pooled"].get(key)
    return summary["over_images"].get(key, {}).get("mean")
