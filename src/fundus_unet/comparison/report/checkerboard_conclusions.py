"""What the checkerboard measures found, in plain words."""

from collections.abc import Callable, Mapping

from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE
from fundus_unet.comparison.checkerboard.states import INIT, TRAINED
from fundus_unet.comparison.checkerboard.tables import LEVEL, MeasuredVariants, short_values

WHEN = {INIT: "At initialization", TRAINED: "After training"}
NOTEWORTHY = CONTROL_SIZE**2
"""Share of a variance from which a grid is named: that of the planted one."""


def checkerboard_conclusions(variants: MeasuredVariants) -> list[str]:
    """Inside the decoder, in the logits, and between sub-grid shifts."""
    inside = " ".join(sentence for state in WHEN if (sentence := _inside_the_decoder(variants, state)))
    paragraphs = {
        "Checkerboards in the decoder": inside,
        "Checkerboards in the logits": _in_the_logits(variants),
        "Sub-grid shift": _between_shifts(variants),
    }
    return [f"**{title}**: {text}" for title, text in paragraphs.items() if text]


def grid_in_the_logits(variants: MeasuredVariants, state: str) -> tuple[str, float] | None:
    """The upsampler with the strongest grid of period 2, and its amplitude over the logits' standard deviation."""
    found = {variant: max(value, 0.0) ** 0.5 for variant, value in _known(variants, state, "output").items()}
    variant = max(found, key=lambda variant: found[variant], default=None)
    return None if variant is None else (variant, found[variant])


def _inside_the_decoder(variants: MeasuredVariants, state: str) -> str | None:
    shares = _known(variants, state, "stage")
    if not shares:
        return None
    marked = {
        variant: share for variant, share in sorted(shares.items(), key=lambda item: -item[1]) if share >= NOTEWORTHY
    }
    clean = ", ".join(f"`{variant}`" for variant in shares if variant not in marked)
    named = ", ".join(f"{percent(share)} (`{variant}`)" for variant, share in marked.items())
    lead = f"{WHEN[state]}, of the variance that leaves the last upsampling"
    without = f"less than {percent(NOTEWORTHY)} with {clean}"
    if not marked:
        return f"{lead}, a grid is {without}."
    return f"{lead}, a grid is {named}" + (f"; {without}." if clean else ".")


def _in_the_logits(variants: MeasuredVariants) -> str | None:
    strongest = {state: one for state in WHEN if (one := grid_in_the_logits(variants, state))}
    amplitudes = _over_states(
        {state: f"at most {percent(size)} (`{variant}`)" for state, (variant, size) in strongest.items()}
    )
    if not amplitudes:
        return None
    levels = {state: _ends(found, _decibels) for state in WHEN if (found := _known(variants, state, LEVEL))}
    return f"A grid's amplitude is {amplitudes} of their standard deviation." + (
        f" In vessel-free background, the checkerboard level, that of the strongest grid line over its surroundings, "
        f"is {_over_states(levels)}; 0 dB is no line."
        if levels
        else ""
    )


def _between_shifts(variants: MeasuredVariants) -> str | None:
    varies = _over_states(
        {state: f"by {_ends(found, _probability)}" for state in WHEN if (found := _known(variants, state, "shift"))}
    )
    if not varies:
        return None
    return (
        "When the image is shifted against the network's grid, a pixel's vessel probability varies "
        f"{varies} (standard deviation)."
    )


def _over_states(texts: Mapping[str, str]) -> str:
    return ", ".join(f"{WHEN[state].lower()} {text}" for state, text in texts.items())


def _known(variants: MeasuredVariants, state: str, column: str) -> dict[str, float]:
    """What every variant has in a column of the short table; those without a value are left out."""
    found = {variant: short_values(states[state])[column] for variant, states in variants.items() if state in states}
    return {variant: value for variant, value in found.items() if value is not None}


def _ends(values: Mapping[str, float], show: Callable[[float], str]) -> str:
    low, high = min(values, key=lambda variant: values[variant]), max(values, key=lambda variant: values[variant])
    return " to ".join(f"{show(values[variant])} (`{variant}`)" for variant in dict.fromkeys((low, high)))


def _decibels(value: float) -> str:
    return f"{value:.1f} dB"


def _probability(value: float) -> str:
    return f"{value:.4f}"


def percent(share: float) -> str:
    """Two digits."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
