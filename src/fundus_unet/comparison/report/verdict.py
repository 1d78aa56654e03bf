"""What a comparison found, in plain words with its uncertainty."""

from collections.abc import Mapping, Sequence
from typing import Any

from fundus_unet.comparison.accuracy import LOWER_IS_BETTER
from fundus_unet.comparison.accuracy_table import TITLES, signed

Found = Mapping[str, Mapping[str, Any]]


def accuracy_verdict(result: Mapping[str, Any], reader: str, metric: str) -> str:
    """A few sentences on one metric: what differs from the control, or how small any difference must be."""
    control, title = f"`{result['control']}`", TITLES[metric]
    found: Found = result["differences"][reader].get(metric, {})
    if not found:
        return f"**{title}**: only one arm was scored, so there is nothing to compare."
    by_verdict = {
        verdict: {arm: difference for arm, difference in found.items() if difference["verdict"] in names}
        for verdict, names in (("real", ("higher", "lower")), ("none", ("none",)), ("unknown", ("unknown",)))
    }
    sentences = [_real_sentence(arm, difference, metric, control) for arm, difference in by_verdict["real"].items()]
    if by_verdict["none"]:
        sentences.append(
            _none_sentence(by_verdict["none"], metric, control, several=len(by_verdict["none"]) < len(found))
        )
    if by_verdict["unknown"]:
        arms = ", ".join(f"`{arm}`" for arm in by_verdict["unknown"])
        sentences.append(
            f"One seed only for {arms}: two trainings of the same network differ too, by how much is not known, so no "
            "interval can be given and no difference can be called real."
        )
    return f"**{title}**: " + " ".join(sentences)


def observer_verdict(result: Mapping[str, Any], reader: str) -> str | None:
    """Which arms agree with the first observer better than the second observer does."""
    observer = (result.get("second_observer") or {}).get("pooled", {}).get("dice")
    if observer is None:
        return None
    means = {arm: summary["scores"][reader]["dice"]["pooled"]["mean"] for arm, summary in result["arms"].items()}
    above = [arm for arm, mean in means.items() if mean is not None and mean > observer]
    which = "every arm exceeds" if len(above) == len(means) else f"{len(above)} of {len(means)} arms exceed"
    best, worst = max(means.values()), min(means.values())
    return (
        f"Pooled Dice over the test photographs lies between {worst:.4f} and {best:.4f}; {which} the second human "
        f"observer's {observer:.4f}."
    )


def speed_verdict(title: str, rows: Sequence[Mapping[str, Any]], control: str) -> str | None:
    """The fastest and the slowest network in one setting, relative to the control."""
    ratios = {row["upsampler"]: row for row in rows if row["ratio_to_control"] is not None}
    others = {arm: row for arm, row in ratios.items() if arm != control}
    if control not in ratios or not others:
        return None
    fastest = min(others, key=lambda arm: others[arm]["ratio_to_control"])
    slowest = max(others, key=lambda arm: others[arm]["ratio_to_control"])
    parts = [
        f"{others[arm]['ratio_to_control']:.2f} (`{arm}`; quartiles {others[arm]['ratio_lower_quartile']:.2f} to "
        f"{others[arm]['ratio_upper_quartile']:.2f})"
        for arm in dict.fromkeys((fastest, slowest))
    ]
    return f"**Speed**, {title}: {' to '.join(parts)} times the time of `{control}`."


def _real_sentence(arm: str, difference: Mapping[str, Any], metric: str, control: str) -> str:
    better = (difference["verdict"] == "higher") != (metric in LOWER_IS_BETTER)
    low, high = difference["interval"]
    return (
        f"`{arm}` is {'better' if better else 'worse'} than {control} by {signed(abs(difference['mean']), metric)[1:]} "
        f"(95 % interval of the difference {signed(low, metric)} to {signed(high, metric)}, "
        f"corrected p {difference['corrected_p']:.3f})."
    )


def _none_sentence(rest: Found, metric: str, control: str, several: bool) -> str:
    means = [difference["mean"] for difference in rest.values()]
    bounds = [bound for difference in rest.values() for bound in difference["interval"]]
    lead = "The other arms show no difference" if several else "No upsampler shows a difference"
    smallest, largest = signed(min(means), metric), signed(max(means), metric)
    low, high = signed(min(bounds), metric), signed(max(bounds), metric)
    return (
        f"{lead} to {control} that is more than noise: mean differences lie between {smallest} and {largest}, their "
        f"95 % intervals within {low} to {high}. Differences of up to {signed(max(map(abs, bounds)), metric)[1:]} "
        "cannot be excluded."
    )
