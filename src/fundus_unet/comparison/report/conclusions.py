"""What a comparison found, in plain words with its uncertainty."""

from collections.abc import Mapping, Sequence
from typing import Any

from fundus_unet.comparison.accuracy.tables import signed
from fundus_unet.comparison.checkerboard.planting import CONTROL_SIZE
from fundus_unet.comparison.checkerboard.states import TRAINED
from fundus_unet.comparison.report.checkerboard_conclusions import grid_in_the_logits, percent
from fundus_unet.comparison.speed.tables import SavedRow, rows_as_trained
from fundus_unet.metrics.registry import METRICS

Found = Mapping[str, Mapping[str, Any]]


def short_answer(
    accuracy: Mapping[str, Any] | None,
    speed: Mapping[str, Any] | None,
    checkerboard: Mapping[str, Any] | None,
    rater: str,
    precision: str,
) -> str | None:
    """Which upsampling, in a sentence each on accuracy, speed and checkerboards."""
    sentences = [_accuracy_in_short(accuracy, rater)] if accuracy else []
    _, rows = (rows_as_trained(speed, "inference", precision) if speed else None) or ("", [])
    if speed and (ends := _fastest_and_slowest(rows, speed["control"])):
        (variant, row), *slowest = ends
        text = f"At inference, `{variant}` takes {row['ratio_to_control']:.2f} times as long as `{speed['control']}`"
        text += "".join(f" and `{variant}` {row['ratio_to_control']:.2f} times" for variant, row in slowest)
        sentences.append(f"{text}; the others lie between." if slowest else f"{text}.")
    strongest = grid_in_the_logits(checkerboard["variants"], TRAINED) if checkerboard else None
    if strongest:
        fainter = f", fainter than the {percent(CONTROL_SIZE)} planted as a test" if strongest[1] < CONTROL_SIZE else ""
        sentences.append(
            "In the logits of trained networks, the strongest checkerboard has "
            f"{percent(strongest[1])} of their standard deviation (`{strongest[0]}`){fainter}."
        )
    said = [sentence for sentence in sentences if sentence]
    return f"**In short**: {' '.join(said)}" if said else None


def accuracy_conclusion(result: Mapping[str, Any], rater: str, metric: str) -> str:
    """A few sentences on one metric: what differs from the control, or how small any difference must be."""
    control, title = f"`{result['control']}`", METRICS[metric].title
    found: Found = result["differences"][rater].get(metric, {})
    if not found:
        return f"**{title}**: only one variant was scored, so there is nothing to compare."
    by_verdict = {
        verdict: {variant: difference for variant, difference in found.items() if difference["verdict"] in names}
        for verdict, names in (("real", ("higher", "lower")), ("none", ("none",)), ("unknown", ("unknown",)))
    }
    sentences = [
        _real_sentence(variant, difference, metric, control) for variant, difference in by_verdict["real"].items()
    ]
    if by_verdict["none"]:
        sentences.append(
            _none_sentence(by_verdict["none"], metric, control, several=len(by_verdict["none"]) < len(found))
        )
    if by_verdict["unknown"]:
        variants = ", ".join(f"`{variant}`" for variant in by_verdict["unknown"])
        sentences.append(
            f"One seed only for {variants}: two trainings of the same network differ too, by how much is not known, "
            "so no interval can be given and no difference can be called real."
        )
    return f"**{title}**: " + " ".join(sentences)


def observer_conclusion(result: Mapping[str, Any], rater: str) -> str | None:
    """Which variants agree with the first observer better than the second observer does."""
    observer = (result.get("second_observer") or {}).get("pooled", {}).get("dice")
    if observer is None:
        return None
    means = {
        variant: summary["scores"][rater]["dice"]["pooled"]["mean"] for variant, summary in result["variants"].items()
    }
    above = [variant for variant, mean in means.items() if mean is not None and mean > observer]
    which = "every variant exceeds" if len(above) == len(means) else f"{len(above)} of {len(means)} variants exceed"
    best, worst = max(means.values()), min(means.values())
    return (
        f"Pooled Dice over the test images lies between {worst:.4f} and {best:.4f}; {which} the second human "
        f"observer's {observer:.4f}."
    )


def speed_conclusion(title: str, rows: Sequence[SavedRow], control: str) -> str | None:
    """The fastest and the slowest network under one set of conditions, relative to the control."""
    parts = [
        f"{row['ratio_to_control']:.2f} (`{variant}`; quartiles {row['ratio_lower_quartile']:.2f} to "
        f"{row['ratio_upper_quartile']:.2f})"
        for variant, row in _fastest_and_slowest(rows, control)
    ]
    return f"**Speed**, {title}: {' to '.join(parts)} times the time of `{control}`." if parts else None


def _fastest_and_slowest(rows: Sequence[SavedRow], control: str) -> list[tuple[str, SavedRow]]:
    """The ends of the range beside the control; one where there is one, none where nothing was timed with it."""
    timed = {row["upsampler"]: row for row in rows if row["ratio_to_control"] is not None}
    others = {variant: row for variant, row in timed.items() if variant != control}
    if control not in timed or not others:
        return []
    ordered = sorted(others.items(), key=lambda item: item[1]["ratio_to_control"])
    return ordered if len(ordered) == 1 else [ordered[0], ordered[-1]]


def _accuracy_in_short(accuracy: Mapping[str, Any], rater: str) -> str | None:
    found: Found = accuracy["differences"][rater].get("dice", {})
    if not found:
        return None
    control = f"`{accuracy['control']}`"
    real = {variant: one for variant, one in found.items() if one["verdict"] in ("higher", "lower")}
    if real:
        named = ", ".join(
            f"`{variant}` is {'more' if one['verdict'] == 'higher' else 'less'} accurate than {control} "
            f"({signed(one['mean'], 'dice')} Dice)"
            for variant, one in real.items()
        )
        return f"{named}; {'no other difference was found' if len(real) < len(found) else 'all differ from it'}."
    known = [one for one in found.values() if one["verdict"] == "none"]
    if not known:
        return "One seed cannot tell whether an upsampling is more accurate than another."
    largest = signed(max(abs(bound) for one in known for bound in one["interval"]), "dice")[1:]
    seeds, images = (max(one[key] for one in known) for key in ("seeds", "images"))
    unknown = ", ".join(f"`{variant}`" for variant, one in found.items() if one["verdict"] == "unknown")
    return (
        f"Accuracy gives no reason to choose: with {seeds} seeds and {images} images, no upsampling was found "
        f"to be better or worse than {control}; differences of up to {largest} Dice cannot be excluded"
        + (f", and one seed cannot tell for {unknown}." if unknown else ".")
    )


def _real_sentence(variant: str, difference: Mapping[str, Any], metric: str, control: str) -> str:
    better = (difference["verdict"] == "higher") != METRICS[metric].lower_is_better
    low, high = difference["interval"]
    return (
        f"`{variant}` is {'better' if better else 'worse'} than {control} by "
        f"{signed(abs(difference['mean']), metric)[1:]} (95 % interval of the difference "
        f"{signed(low, metric)} to {signed(high, metric)}, corrected p {difference['corrected_p']:.3f})."
    )


def _none_sentence(rest: Found, metric: str, control: str, several: bool) -> str:
    means = [difference["mean"] for difference in rest.values()]
    bounds = [bound for difference in rest.values() for bound in difference["interval"]]
    lead = "The other variants show no difference" if several else "No upsampler shows a difference"
    smallest, largest = signed(min(means), metric), signed(max(means), metric)
    low, high = signed(min(bounds), metric), signed(max(bounds), metric)
    return (
        f"{lead} to {control} that is more than noise: mean differences lie between {smallest} and {largest}, their "
        f"95 % intervals within {low} to {high}. Differences of up to {signed(max(map(abs, bounds)), metric)[1:]} "
        "cannot be excluded."
    )
