"""The accuracy comparison as tables and sentences."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from fundus_unet.comparison.document import Document, Grid
from fundus_unet.metrics.registry import METRICS

UNKNOWN = "cannot be told"
SMALLEST_P = 0.001
"""That is told."""


def accuracy_document(result: Mapping[str, Any]) -> Document:
    """Everything a reader needs of `accuracy.json`."""
    protocol = result["protocol"]
    parts: list[str | Grid] = [
        f"# Accuracy of {len(result['variants'])} upsamplers on {protocol['data']}, {protocol['split']}",
        f"{len(protocol['images'])} images; pixels in the field of view, at original resolution. Mean ± "
        "standard deviation over seeds; scores are pooled over all pixels, Betti-0 error is the mean over "
        "images." + _of_folds(protocol),
        "## Cost",
        cost_table(result),
    ]
    for rater in result["differences"]:
        parts += [f"## Scores, {rater}", accuracy_table(result, rater)]
    for rater, found in result["differences"].items():
        if any(found.values()):
            parts += [f"## Difference to {result['control']}, {rater}", difference_table(result, rater)]
            parts += [how_to_read(found)]
    if without := protocol.get("without_hysteresis"):
        named = ", ".join(f"`{name}`" for name in without)
        parts.append(f"No masks by hysteresis: an earlier version evaluated {named}. `fundus-unet evaluate` adds them.")
    for key, runs in protocol.get("without_metrics", {}).items():
        named = ", ".join(f"`{name}`" for name in runs)
        parts.append(f"No {METRICS[key].title}: an earlier version evaluated {named}. `fundus-unet evaluate` adds it.")
    if result["failures"]:
        parts += ["## Not compared", *(f"{failure['run']}: {failure['reason']}" for failure in result["failures"])]
    if protocol["differing_settings"]:
        named = ", ".join(f"`{key}`" for key in protocol["differing_settings"])
        parts += [f"**These runs differ in more than the upsampler** (`allow_different=true`): {named}."]
    return parts


def fold_count(protocol: Mapping[str, Any]) -> int:
    """Of a cross-validation; 0 where there is none."""
    return len(set((protocol.get("fold_of") or {}).values()))


def _of_folds(protocol: Mapping[str, Any]) -> str:
    folds = fold_count(protocol)
    if not folds:
        return ""
    return (
        f" Cross-validation in {folds} folds: every image is scored once, by networks that learned "
        "from none of its fold; pooled scores are means over the folds, times are sums over them."
    )


def cost_table(result: Mapping[str, Any]) -> Grid:
    """Parameters, floating-point operations and training time (median over seeds) of every variant."""
    rows = []
    for variant, summary in result["variants"].items():
        runs = list(summary["runs"].values())
        first = runs[0]
        flops = next(value for key, value in first.items() if key.startswith("flops_"))
        rows.append(
            [
                f"`{variant}`",
                ", ".join(map(str, summary["seeds"])),
                f"{first['parameters']:,}",
                f"{first['upsampler_parameters']:,}",
                f"{flops / 1e9:.2f}",
                _median([run["processor_seconds"] for run in runs]),
                _median([run["wall_seconds"] for run in runs]),
            ]
        )
    flops_key = next(key for key in first if key.startswith("flops_"))
    side = flops_key.removeprefix("flops_")
    header = ["variant", "seeds", "parameters", "in upsamplers", f"GFLOP ({side} × {side})", "processor s", "wall s"]
    return Grid(header, rows)


def accuracy_table(result: Mapping[str, Any], rater: str, metrics: Sequence[str] = tuple(METRICS)) -> Grid:
    """Scores of every variant at one threshold, with the second observer where there is one.

    A metric that no row has a value of is left out: masks rank nothing, and earlier versions had fewer metrics.
    """
    rows = []
    for variant, summary in result["variants"].items():
        scores = summary["scores"][rater]
        found = {
            key: scores[key]["pooled" if METRICS[key].pooled else "image_mean"] for key in metrics if key in scores
        }
        rows.append({"variant": f"`{variant}`"} | {key: spread(value, key) for key, value in found.items()})
    observer = result["second_observer"]
    if observer:
        means = {key: value["mean"] for key, value in observer["over_images"].items()}
        values = {key: (observer["pooled"] if METRICS[key].pooled else means).get(key) for key in metrics}
        rows.append({"variant": "second observer"} | {key: METRICS[key].format(one) for key, one in values.items()})
    shown = [key for key in metrics if any(row.get(key) for row in rows)]
    titles = ["variant", *(METRICS[key].title for key in shown)]
    return Grid(titles, [[row["variant"], *(row.get(key, "") for key in shown)] for row in rows])


def difference_table(result: Mapping[str, Any], rater: str, metrics: Sequence[str] = tuple(METRICS)) -> Grid:
    """Mean difference, 95 % interval, corrected p and verdict of every variant and metric."""
    found, rows = result["differences"][rater], []
    for metric, variants in ((metric, found[metric]) for metric in metrics if metric in found):
        for variant, difference in variants.items():
            interval = possible(difference["interval"], result, rater, metric)
            rows.append(
                [
                    METRICS[metric].title + (" (lower is better)" if METRICS[metric].lower_is_better else ""),
                    f"`{variant}`",
                    signed(difference["mean"], metric),
                    f"{signed(interval[0], metric)} to {signed(interval[1], metric)}" if interval else "",
                    METRICS[metric].format(difference["seed_spread"]),
                    _p_value(difference["corrected_p"]),
                    UNKNOWN if difference["verdict"] == "unknown" else difference["verdict"],
                ]
            )
    return Grid(["metric", "variant", "difference", "95 % interval", "seed spread", "p (Holm)", "verdict"], rows)


def possible(
    interval: tuple[float, float] | None, result: Mapping[str, Any], rater: str, metric: str
) -> tuple[float, float] | None:
    """An interval of a difference to the control, cut where the variant's score would leave the metric's range.

    Intervals from few seeds are wide: without this a Dice above 1 would be among what cannot be excluded. The part
    that is left holds 0 where the whole did.
    """
    control = result["variants"][result["control"]]["scores"][rater][metric]["image_mean"]["mean"]
    if interval is None or control is None:
        return interval
    lowest, highest = (end - control for end in METRICS[metric].range)
    low, high = (min(max(end, lowest), highest) for end in interval)
    return low, high


def how_to_read(found: Mapping[str, Mapping[str, Any]]) -> str:
    """How the table of differences is to be read, and what it cannot show."""
    all_differences = [difference for variants in found.values() for difference in variants.values()]
    variants = max(len(variants) for variants in found.values())
    first = max(all_differences, key=lambda difference: difference["seeds"])
    if first["interval"] is None:
        return (
            "One seed (or one image): no interval can be given, because nothing tells how far two trainings of "
            "the same variant lie apart. Train with more seeds: `seeds=[0,1,2]`."
        )
    folds, several = first.get("folds"), first["seeds"] > 1
    text = (
        f"Means over images, paired over seeds (at most {first['seeds']})"
        + (f", {folds} folds" if folds else "")
        + f" and {first['images']} images; intervals resample {'seeds and folds' if folds else 'both'}. "
        "A difference counts only if the interval corrected for the number of variants "
        f"excludes 0{',' if several else ' and'} Wilcoxon's test over images (Holm, {variants} "
        f"variant{'s' if variants > 1 else ''}) gives p < 0.05"
        + (", and it is larger than its own spread over seeds" if several else "")
        + ". The metrics are not corrected for their number."
    )
    if not several:
        text += " All folds started from one seed's weights, which the interval does not cover: more seeds would."
    if first["smallest_p"] * variants >= 0.05:
        text += (
            f" With {first['images']} images and {variants} variants Wilcoxon's corrected p cannot fall below "
            f"{first['smallest_p'] * variants:.3f}: this comparison cannot call any difference real."
        )
    return text


def spread(value: Mapping[str, Any], metric: str) -> str:
    """Mean ± standard deviation over seeds."""
    mean, deviation = (METRICS[metric].format(value[key]) for key in ("mean", "standard_deviation"))
    return mean + (f" ± {deviation}" if deviation else "")


def signed(value: float, metric: str) -> str:
    """A difference, with its sign."""
    return f"{value:+.{METRICS[metric].digits}f}"


def _p_value(p: float | None) -> str:
    """Three digits; a p is never 0."""
    if p is None:
        return ""
    return f"{p:.3f}" if p >= SMALLEST_P else f"< {SMALLEST_P}"


def _median(values: Sequence[float | None]) -> str:
    defined = [value for value in values if value is not None]
    return f"{statistics.median(defined):,.0f}" if defined else ""
