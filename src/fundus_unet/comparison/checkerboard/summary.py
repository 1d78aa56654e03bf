"""What the checkerboard measures found, in plain words."""

from collections.abc import Callable, Mapping

from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE
from fundus_unet.comparison.checkerboard.tables import Arms, short_values

WHEN = {"init": "Before training", "trained": "After training"}
NOTEWORTHY = CONTROL_SIZE**2
"""Share of a variance from which a grid is named: that of the planted one."""


def checkerboard_verdict(arms: Arms) -> list[str]:
    """Inside the decoder, in the logits, and from one position of the photograph to another."""
    inside = " ".join(sentence for state in WHEN if (sentence := _inside_the_decoder(arms, state)))
    paragraphs = {
        "Checkerboards in the decoder": inside,
        "Checkerboards in the logits": _in_the_logits(arms),
        "Position on the grid": _by_position(arms),
    }
    return [f"**{title}**: {text}" for title, text in paragraphs.items() if text]


def grid_in_the_logits(arms: Arms, state: str) -> tuple[str, float] | None:
    """The upsampler with the strongest grid of period 2, and its amplitude over the logits' standard deviation."""
    found = {arm: max(value, 0.0) ** 0.5 for arm, value in _known(arms, state, "output").items()}
    arm = max(found, key=lambda arm: found[arm], default=None)
    return None if arm is None else (arm, found[arm])


def _inside_the_decoder(arms: Arms, state: str) -> str | None:
    shares = _known(arms, state, "stage")
    if not shares:
        return None
    marked = {arm: share for arm, share in sorted(shares.items(), key=lambda item: -item[1]) if share >= NOTEWORTHY}
    clean = ", ".join(f"`{arm}`" for arm in shares if arm not in marked)
    named = ", ".join(f"{percent(share)} (`{arm}`)" for arm, share in marked.items())
    lead = f"{WHEN[state]}, of the variance that leaves the last upsampling"
    without = f"less than {percent(NOTEWORTHY)} with {clean}"
    if not marked:
        return f"{lead}, a grid is {without}."
    return f"{lead}, a grid is {named}" + (f"; {without}." if clean else ".")


def _in_the_logits(arms: Arms) -> str | None:
    strongest = {state: one for state in WHEN if (one := grid_in_the_logits(arms, state))}
    amplitudes = _over_states({state: f"at most {percent(size)} (`{arm}`)" for state, (arm, size) in strongest.items()})
    if not amplitudes:
        return None
    lines = _over_states({state: _ends(found, _decibels) for state in WHEN if (found := _known(arms, state, "dB"))})
    return f"A grid's amplitude is {amplitudes} of their standard deviation." + (
        f" In vessel-free background, the strongest grid line rises {lines} above its surroundings; 0 is no line."
        if lines
        else ""
    )


def _by_position(arms: Arms) -> str | None:
    varies = _over_states(
        {state: f"by {_ends(found, _probability)}" for state in WHEN if (found := _known(arms, state, "shift"))}
    )
    if not varies:
        return None
    return (
        "When the photograph lies elsewhere on the network's grid, a pixel's vessel probability varies "
        f"{varies} (standard deviation)."
    )


def _over_states(texts: Mapping[str, str]) -> str:
    return ", ".join(f"{WHEN[state].lower()} {text}" for state, text in texts.items())


def _known(arms: Arms, state: str, column: str) -> dict[str, float]:
    """What every upsampler has in a column of the short table; those without a value are left out."""
    found = {arm: short_values(states[state])[column] for arm, states in arms.items() if state in states}
    return {arm: value for arm, value in found.items() if value is not None}


def _ends(values: Mapping[str, float], show: Callable[[float], str]) -> str:
    low, high = min(values, key=lambda arm: values[arm]), max(values, key=lambda arm: values[arm])
    return " to ".join(f"{show(values[arm])} (`{arm}`)" for arm in dict.fromkeys((low, high)))


def _decibels(value: float) -> str:
    return f"{value:.1f} dB"


def _probability(value: float) -> str:
    return f"{value:.4f}"


def percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
