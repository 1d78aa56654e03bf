"""The answer in three sentences: accuracy, speed, checkerboards."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fundus_unet.comparison.accuracy.statistics import SIGNIFICANCE
from fundus_unet.comparison.checkerboard.states import INIT, TRAINED
from fundus_unet.comparison.report.formats import interval, listed, percent, ratio, signed

Facts = Mapping[str, Any]
ONE_START = "All folds started from one seed's weights, which the interval does not cover."
TIMED = {"inference": "inference", "training": "a training step"}


def accuracy_answer(facts: Facts) -> str:
    """Which variant differs from the control in Dice; or within which bounds none does; or why that is not known."""
    control, found = facts["control"], facts["differences"].get("dice", {})
    if not found:
        return f"These runs cannot tell: only {control} has a score."
    reason = _no_power(found)
    if reason:
        return f"These runs cannot tell which variant is more accurate: {reason}."
    real = {variant: one for variant, one in found.items() if one["verdict"] in ("higher", "lower")}
    unknown = [variant for variant, one in found.items() if one["verdict"] == "unknown"]
    if real:
        named = listed(
            [
                f"{variant} is {'more' if one['verdict'] == 'higher' else 'less'} accurate than {control} by "
                f"{signed('dice', one['mean'])[1:]} Dice (95 % interval {interval('dice', one['interval'])}"
                + (f"; {_sample([one])})" if one.get("folds") else ")")
                for variant, one in real.items()
            ]
        )
        rest = "" if len(real) + len(unknown) == len(found) else "; no other difference was found"
    else:
        known = [one for one in found.values() if one["interval"]]
        ends = [end for one in known for end in one["interval"]]
        whose = "all 95 % intervals lie" if len(known) > 1 else "its 95 % interval lies"
        named = (
            f"No difference in Dice to {control} was found ({_sample(known)}): "
            f"{whose} within {interval('dice', (min(ends), max(ends)))}"
        )
        rest = ""
    caveat = f" {ONE_START}" if any(one.get("folds") and one["seeds"] < 2 for one in found.values()) else ""
    return named + rest + (f"; one seed cannot tell for {listed(unknown)}." if unknown else ".") + caveat


def speed_answer(facts: Facts | None) -> str:
    """How long the fastest and the slowest variant take, relative to the control."""
    if facts is None:
        return "These measurements cannot tell: no whole network was timed."
    control = facts["control"]
    parts: list[str] = []
    for mode, ratios in facts["ratios"].items():
        others = sorted((one[0], variant) for variant, one in ratios.items() if variant != control)
        if not others or control not in ratios:
            continue
        named = [f"{ratio(value)} ({variant})" for value, variant in others]
        shown = listed(named) if len(named) < 3 else f"{named[0]} to {named[-1]}"
        parts.append(f"{TIMED[mode]} {shown} times" if parts else f"{TIMED[mode]} takes {shown} times as long")
    if not parts:
        return f"These measurements cannot tell: no other variant was timed beside {control}."
    return f"Relative to {control}, {', '.join(parts)}."


def checkerboard_answer(facts: Facts) -> str:
    """The strongest checkerboard in the logits, trained where there are trained networks."""
    strongest = {
        state: max(found.items(), key=lambda item: item[1]) for state, found in facts["amplitudes"].items() if found
    }
    if not strongest:
        return "These networks cannot tell: the checkerboard in their output has no value."
    if TRAINED not in strongest:
        variant, size = strongest[INIT]
        return (
            f"At initialization the strongest checkerboard in the logits has {percent(size)} of their standard "
            f"deviation ({variant}); untrained networks cannot tell what is left after training."
        )
    variant, size = strongest[TRAINED]
    fainter = f", fainter than the {percent(facts['planted'])} planted as a test" if size < facts["planted"] else ""
    before = ""
    if INIT in strongest:
        before = f"; at initialization it has up to {percent(strongest[INIT][1])} ({strongest[INIT][0]})"
    return (
        f"After training the strongest checkerboard in the logits ({variant}) has {percent(size)} of their standard "
        f"deviation{fainter}{before}."
    )


def _sample(found: Sequence[Facts]) -> str:
    """What differences rest on."""
    seeds, folds, images = (max(one.get(key) or 0 for one in found) for key in ("seeds", "folds", "images"))
    parts = ["one seed" if seeds == 1 else f"{seeds} seeds", f"{folds} folds" if folds else "", f"{images} images"]
    return ", ".join(filter(None, parts))


def _no_power(found: Mapping[str, Facts]) -> str | None:
    """Why no difference could be called real, however large."""
    known = [one for one in found.values() if one["interval"]]
    if not known:
        one_seed = max(one["seeds"] for one in found.values()) < 2
        return "one seed says nothing of how far two trainings lie apart" if one_seed else "one test image is no sample"
    smallest, images = max((one["smallest_p"], one["images"]) for one in known)
    if smallest * len(found) < SIGNIFICANCE:
        return None
    needed = math.floor(1 + math.log2(len(found) / SIGNIFICANCE)) + 1
    return f"{images} test images are too few for any difference to reach p < {SIGNIFICANCE} (at least {needed} needed)"
