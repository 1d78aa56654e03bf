"""The measured checkerboards as tables and in words."""

from collections.abc import Mapping
from typing import Any

from fundus_unet.comparison.checkerboard.states import INIT, STATES, TRAINED
from fundus_unet.comparison.document import Document, Grid

HEADINGS = {
    "overlap_unevenness": ("Overlap unevenness", "(max - min) / mean of the taps per phase; 0 is even"),
    "gain_imbalance": (
        "Polyphase gain imbalance",
        "standard deviation over root mean square of the four phase gains; 0 if a constant gives a constant, "
        "0.849 for independent random gains",
    ),
    "phase_energy": (
        "Phase energy",
        "share of the variance that is one repeating pattern, less what a map without a grid gives",
    ),
    "grid_line_spectrum": (
        "Checkerboard level",
        "decibels of the output's power at a grid's frequency over its neighbourhood, in vessel-free field of view; "
        "0 is no line",
    ),
    "subgrid_shift_sensitivity": (
        "Sensitivity to sub-grid shifts",
        "standard deviation of the vessel probability, and Dice, between shifted images; 0 and 1 are none",
    ),
    "gradient_phase_energy": (
        "Gradient phase energy",
        "the same share for the gradient of the logits with respect to the image: the encoder's side",
    ),
}
AS_DEFINED = ("overlap_unevenness", "gain_imbalance", "grid_line_spectrum", "subgrid_shift_sensitivity")
"""Measures shown by their value; the others by their excess over the null."""

MeasuredVariants = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]]
"""`{variant: {"init" or "trained": {measure: {place: summary over seeds}}}}`."""


LEVEL = "level (dB)"
SHORT_STATES = {INIT: "initial", TRAINED: "trained"}
SHORT_COLUMNS = ("gain", "stage", "output", LEVEL, "shift", "gradient")
SHORT_LEGEND = (
    "Period 2, means over seeds; initial: at initialization. gain: imbalance of the last stage. stage, output, "
    "gradient: share of the variance that is a grid, less the null. level: strongest grid line of the output over its "
    "neighbourhood. shift: standard deviation of the probability."
)


def short_grid(variants: MeasuredVariants) -> Grid:
    """One row per variant and state, one column per kind of measure; the last stage and period 2 stand for all."""
    rows = [
        [f"`{variant}`" if index == 0 else "", SHORT_STATES[state], *map(number, short_values(measures).values())]
        for variant, states in variants.items()
        for index, (state, measures) in enumerate(states.items())
    ]
    return Grid(["variant", "state", *SHORT_COLUMNS], rows)


def checkerboard_document(variants: MeasuredVariants, protocol: Mapping[str, Any]) -> Document:
    """One table per measure; rows are networks, columns are places."""
    parts: list[str | Grid] = [
        "# Checkerboards",
        f"{protocol['networks']}; {len(protocol['images'])} inputs ({protocol['split']}), mean over seeds ± "
        "standard deviation over seeds. In parentheses: no more than 95 of 100 maps without a grid give. Planted: "
        f"what the measure gains, on average over the networks, by a grid of {100 * protocol['planted']:g} % of "
        "the standard deviation.",
    ]
    for measure, (title, meaning) in HEADINGS.items():
        places = list(dict.fromkeys(place for s in variants.values() for m in s.values() for place in m[measure]))
        rows = [
            [f"`{variant}`, {STATES[state]}", *(_cell(measure, measures[measure].get(place)) for place in places)]
            for variant, states in variants.items()
            for state, measures in states.items()
        ]
        if measure not in ("overlap_unevenness", "gain_imbalance"):
            rows.append(["planted adds", *(_planted_gain(variants, measure, place) for place in places)])
        reasons: dict[str, dict[str, None]] = {}
        for states in variants.values():
            for measures in states.values():
                for place, cell in measures[measure].items():
                    if cell["mean"] is None and cell["reason"]:
                        reasons.setdefault(cell["reason"], {})[place] = None
        parts += [f"## {title}", meaning[0].upper() + meaning[1:] + ".", Grid(["", *places], rows)]
        parts += [f"No value at {'; '.join(where)}: {reason}." for reason, where in reasons.items()]
    return parts


def short_values(measures: Mapping[str, Any]) -> dict[str, float | None]:
    """What `SHORT_LEGEND` explains, by column."""
    energies = measures["phase_energy"]
    stages = [place for place in energies if place.startswith("stage")]
    lines = [cell["mean"] for place, cell in measures["grid_line_spectrum"].items() if place.startswith("period 2,")]
    values = (
        measures["gain_imbalance"][stages[-1]]["mean"],
        energies[stages[-1]]["excess"],
        energies["output, period 2"]["excess"],
        max((line for line in lines if line is not None), default=None),
        measures["subgrid_shift_sensitivity"]["probability"]["mean"],
        measures["gradient_phase_energy"]["period 2"]["excess"],
    )
    return dict(zip(SHORT_COLUMNS, values, strict=True))


def number(value: float | None) -> str:
    """Three decimals, or two digits of what is small."""
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.1e}"


def _cell(measure: str, cell: Mapping[str, Any] | None) -> str:
    if cell is None or cell["mean"] is None:
        return "–"
    shown, spread = (
        (cell["mean"], cell["sd_over_seeds"])
        if measure in AS_DEFINED
        else (cell["excess"], cell["excess_sd_over_seeds"])
    )
    text = number(shown) + (f" ± {number(spread)}" if spread is not None else "")
    return f"({text})" if cell["null_95"] is not None and cell["mean"] <= cell["null_95"] else text


def _planted_gain(variants: MeasuredVariants, measure: str, place: str) -> str:
    """What planting changed, averaged over networks; for shifts what it gives by itself."""
    cells = [m[measure][place] for s in variants.values() for m in s.values() if place in m[measure]]
    known = [cell for cell in cells if cell["positive_control"] is not None]
    if not known:
        return "–"
    by_itself = measure == "subgrid_shift_sensitivity"
    gains = [cell["positive_control"] - (0 if by_itself else cell["excess"]) for cell in known]
    return number(sum(gains) / len(gains))
