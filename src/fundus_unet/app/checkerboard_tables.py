"""The measured checkerboards as tables, for the terminal and as Markdown."""

from typing import Any

from rich import box
from rich.table import Table

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
        "Grid-line spectrum",
        "decibels of the output's power at a grid's frequency over its neighbourhood, in vessel-free field of view; "
        "0 is no line",
    ),
    "grid_position_sensitivity": (
        "Grid-position sensitivity",
        "standard deviation of the vessel probability, and Dice, between shifted photographs; 0 and 1 are none",
    ),
    "gradient_phase_energy": (
        "Gradient phase energy",
        "the same share for the gradient of the logits with respect to the photograph: the encoder's side",
    ),
}
AS_DEFINED = ("overlap_unevenness", "gain_imbalance", "grid_line_spectrum", "grid_position_sensitivity")
"""Measures shown by their value; the others by their excess over the null."""

Arms = dict[str, dict[str, dict[str, dict[str, dict[str, Any]]]]]
"""`{upsampler: {"init" or "trained": {measure: {place: summary over seeds}}}}`."""


def summary_table(arms: Arms) -> Table:
    """One row per upsampler and state, one column per kind of measure; the last stage and period 2 stand for all."""
    table = Table(
        title="checkerboards", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    table.add_column("", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in ("gain", "stage", "output", "dB", "shift", "gradient"):
        table.add_column(name, justify="right", no_wrap=True)
    for arm, states in arms.items():
        for number_of_state, (state, measures) in enumerate(states.items()):
            energies = measures["phase_energy"]
            last = [place for place in energies if place.startswith("stage")][-1]
            lines = [cell for place, cell in measures["grid_line_spectrum"].items() if place.startswith("period 2,")]
            shifts = measures["grid_position_sensitivity"]
            table.add_row(
                arm if number_of_state == 0 else "",
                state,
                number(measures["gain_imbalance"][last]["mean"]),
                number(energies[last]["excess"]),
                number(energies["output, period 2"]["excess"]),
                number(max((cell["mean"] for cell in lines if cell["mean"] is not None), default=None)),
                number(shifts["probability"]["mean"]),
                number(measures["gradient_phase_energy"]["period 2"]["excess"]),
            )
    table.caption = (
        "Period 2, means over seeds. gain: imbalance of the last stage. stage, output, gradient: share of the\n"
        "variance that is a grid, less the null. dB: strongest line. shift: standard deviation of the probability."
    )
    table.caption_justify = "left"
    return table


def markdown(arms: Arms, protocol: dict[str, Any]) -> str:
    """One table per measure; rows are networks, columns are places."""
    lines = [
        "# Checkerboards",
        "",
        f"{protocol['images']} photographs ({protocol['split']}), mean over seeds ± standard deviation over seeds. In "
        "parentheses: no more than 95 of 100 maps without a grid give. Planted: the same measure, on average over the "
        f"networks, after a grid of {100 * protocol['planted']:g} % of the standard deviation was planted.",
        "",
    ]
    for measure, (title, meaning) in HEADINGS.items():
        places = list(dict.fromkeys(place for s in arms.values() for m in s.values() for place in m[measure]))
        lines += [f"## {title}", "", meaning[0].upper() + meaning[1:] + ".", ""]
        lines += [f"| | {' | '.join(places)} |", "|---|" + "---|" * len(places)]
        for arm, states in arms.items():
            for state, measures in states.items():
                cells = [_cell(measure, measures[measure].get(place)) for place in places]
                lines.append(f"| `{arm}`, {state} | {' | '.join(cells)} |")
        if measure not in ("overlap_unevenness", "gain_imbalance"):
            planted = [_planted_gain(arms, measure, place) for place in places]
            lines.append(f"| *planted adds* | {' | '.join(planted)} |")
        reasons = {
            f"{place}: {cell['reason']}"
            for states in arms.values()
            for measures in states.values()
            for place, cell in measures[measure].items()
            if cell["mean"] is None and cell["reason"]
        }
        lines += ["", *(f"No value at {reason}.\n" for reason in sorted(reasons))]
    return "\n".join(lines).rstrip() + "\n"


def number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) >= 0.01 or value == 0 else f"{value:.1e}"


def _cell(measure: str, cell: dict[str, Any] | None) -> str:
    if cell is None or cell["mean"] is None:
        return "–"
    shown, spread = (
        (cell["mean"], cell["sd_over_seeds"])
        if measure in AS_DEFINED
        else (cell["excess"], cell["excess_sd_over_seeds"])
    )
    text = number(shown) + (f" ± {number(spread)}" if spread is not None else "")
    return f"({text})" if cell["null_95"] is not None and cell["mean"] <= cell["null_95"] else text


def _planted_gain(arms: Arms, measure: str, place: str) -> str:
    """What planting changed, averaged over networks; for shifts what it gives by itself."""
    cells = [m[measure][place] for s in arms.values() for m in s.values() if place in m[measure]]
    known = [cell for cell in cells if cell["positive_control"] is not None]
    if not known:
        return "–"
    by_itself = measure == "grid_position_sensitivity"
    gains = [cell["positive_control"] - (0 if by_itself else cell["excess"]) for cell in known]
    return number(sum(gains) / len(gains))
