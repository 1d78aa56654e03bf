"""The pictures of the report, with their captions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fundus_unet.comparison.datasets.heat_map import heat_map
from fundus_unet.comparison.report.answer import ONE_START
from fundus_unet.comparison.report.datasets_facts import METRIC
from fundus_unet.comparison.report.figures import accuracy_speed_figure, differences_figure
from fundus_unet.comparison.report.page import Picture
from fundus_unet.comparison.report.predictions import Predictions
from fundus_unet.comparison.report.speed_facts import MODES
from fundus_unet.drawing.png import png_bytes
from fundus_unet.inference.evaluation import NETWORK

CHECKERBOARDS = {
    "residual.png": "Logits less their local mean, amplified, in a part without labelled vessels: a checkerboard is a "
    "regular pattern. At initialization and after training the scales differ.",
    "spectrum.png": "Power of the logits by frequency over the frequencies around, frequency 0 in the middle. A "
    "checkerboard is bright in the circles. At initialization and after training the scales differ.",
    "phase_means.png": "Mean of each phase (position within one period) of the maps' channels; an even tile is no "
    "checkerboard.",
}
INTERVALS = "Mean over images and seeds, and its 95 % interval. What crosses 0 may be no difference."
OVER_FOLDS = (
    "Mean over images, and its 95 % interval over folds. What crosses 0 may be no difference. " + ONE_START,
    "Mean over images and seeds, and its 95 % interval over seeds and folds. What crosses 0 may be no difference.",
)
"""Of a cross-validation with one seed, and with several."""
SEVERAL = "Thin: the interval corrected for the number of variants."
NO_INTERVALS = "Mean over images. One seed, or one image, gives no interval: any of this may be no difference."
FOLDED = "phase_means.png"


def accuracy_pictures(
    accuracy: Mapping[str, Any], facts: Mapping[str, Any], speed: Mapping[str, Any] | None
) -> dict[str, list[Picture]]:
    """The differences to the control; and Dice over time, of the variants that have both, where there are two."""
    pictures = {}
    differences, control = facts["differences"], facts["control"]
    if any(differences.values()):
        known = any(one["interval"] for found in differences.values() for one in found.values())
        png = differences_figure(differences, control)
        several = max(map(len, differences.values())) > 1
        intervals = OVER_FOLDS[facts["seeds"] > 1] if facts.get("folds") else INTERVALS
        caption = f"{intervals} {SEVERAL}" if several else intervals
        pictures["differences"] = [Picture(png, caption if known else NO_INTERVALS, "differences to the control")]
    for mode, ratios in (speed["ratios"] if speed else {}).items():
        scores = {
            variant: (dice["mean"], [value for value in dice["per_seed"] if value is not None])
            for variant, summary in accuracy["variants"].items()
            if variant in ratios and (dice := summary["scores"][NETWORK]["dice"]["pooled"])["mean"] is not None
        }
        if len(scores) > 1:
            caption = "Large marker: mean over seeds; dots: single seeds; bar: quartiles of the time."
            png = accuracy_speed_figure(scores, ratios, speed["control"] if speed else "", MODES[mode])
            pictures["accuracy_speed"] = [Picture(png, caption, f"Dice over the relative time of {MODES[mode]}")]
            break
    return pictures


def checkerboard_pictures(folder: Path) -> list[Picture]:
    """Those that the comparison of checkerboards drew."""
    return [
        Picture((folder / name).read_bytes(), caption, caption, folded=name == FOLDED)
        for name, caption in CHECKERBOARDS.items()
        if (folder / name).is_file()
    ]


def datasets_pictures(result: Mapping[str, Any]) -> list[Picture]:
    """The matrix of training sets by test sets."""
    caption = "Rows: what a network was trained on; columns: what it is scored on. Pooled over pixels."
    return [Picture(png_bytes(heat_map(result, METRIC)), caption, "Dice of every network on every set")]


def prediction_pictures(found: Predictions) -> dict[str, list[Picture]]:
    """The tiles of every image."""
    return {
        f"prediction:{name}": [Picture(png_bytes(tile.pixels), tile.title, f"{tile.title} of {name}") for tile in tiles]
        for name, tiles in found.tiles.items()
    }
