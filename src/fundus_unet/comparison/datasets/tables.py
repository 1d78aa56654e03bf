"""The comparison across sets as tables and sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fundus_unet.comparison.datasets.cells import AUTO
from fundus_unet.comparison.datasets.short_names import short_names
from fundus_unet.comparison.document import Document, Grid
from fundus_unet.inference.evaluation import NETWORK, NETWORK_HYSTERESIS, NETWORK_VALIDATED, SECOND_OBSERVER
from fundus_unet.metrics.registry import METRICS

OWN, DOUBTFUL, NOTHING = "*", "?", "–"
OVERVIEW = ("dice", "cldice", "auroc", "average_precision")
OF_A_MASK = ("dice", "cldice")
"""Of the overview, for a rater that gives no probability."""
REGION = "field_of_view"

Result = Mapping[str, Any]


def datasets_document(result: Result, figure: str) -> Document:
    """Everything a reader needs of `datasets.json`.

    Args:
        figure: The file of the heat map.
    """
    networks, sets = result["networks"], result["sets"]
    parts: list[str | Grid] = [
        f"# {_counted(len(networks), 'network')} on {_counted(len(sets), 'set')}",
        f"![Dice of every network on every set]({figure})",
        "Rows: what a network was trained on; columns: what it is scored on. Pixels in the field of view, at original "
        "resolution, pooled over all images. " + matching_line(result),
        *image_lines(result),
        *how_to_read(result),
        "## Networks",
        network_table(result),
    ]
    parts += note_lines(result)
    shown: dict[str, Sequence[str]] = {NETWORK: OVERVIEW, NETWORK_VALIDATED: OVERVIEW}
    if any(facts.get("validation_hysteresis") for facts in networks.values()):
        shown[NETWORK_HYSTERESIS] = OF_A_MASK
    for rater, metrics in shown.items():
        for metric in metrics:
            parts += [f"## {METRICS[metric].title}, {rater}", matrix(result, metric, rater, code=True)]
    for name in sets:
        parts += [f"## {name}: all metrics, pooled over pixels", set_table(result, name, pooled=True)]
        parts += [f"## {name}: mean over images (standard deviation)", set_table(result, name, pooled=False)]
    if result["failures"]:
        parts += ["## Not compared", *(f"{failure['about']}: {failure['reason']}" for failure in result["failures"])]
    return parts


def matrix(result: Result, metric: str, rater: str, code: bool = False) -> Grid:
    """Networks by sets, one metric, pooled; the second observer where a set has one.

    Args:
        code: Whether names are set as code, and whole; else long ones are cut.
    """
    rows, short = [], short_names(result["cells"])
    for network, cells in result["cells"].items():
        values = [_marked(cells[name], _pooled(cells[name], rater, metric)) for name in result["sets"]]
        rows.append([f"`{network}`" if code else short[network], *values])
    observers = [_formatted(_value(result["second_observer"].get(name), metric), metric) for name in result["sets"]]
    if any(observers):
        rows.append([SECOND_OBSERVER, *(value or NOTHING for value in observers)])
    return Grid(["trained on", *result["sets"]], rows)


def network_table(result: Result) -> Grid:
    """What each network was trained on, and how it is used."""
    chosen = any(facts.get("validation_hysteresis") for facts in result["networks"].values())
    rows = [
        [
            f"`{name}`",
            str(facts["data"]),
            str(facts["seed"]),
            "not recorded" if facts["learned_images"] is None else str(facts["learned_images"]),
            f"{facts['fov_diameter']:.0f}",
            f"{facts['validation_threshold']:.2f}",
            *([_hysteresis(facts)] if chosen else []),
        ]
        for name, facts in result["networks"].items()
    ]
    header = ["network", "data", "seed", "images learned from", "field of view (pixels)", "validation threshold"]
    return Grid([*header, *(["hysteresis (low, high, least length)"] if chosen else [])], rows)


def _hysteresis(facts: Mapping[str, Any]) -> str:
    found = facts.get("validation_hysteresis")
    return NOTHING if not found else f"{found['low']:.2f}, {found['high']:.2f}, {found['least_length']:g}"


def set_table(result: Result, name: str, *, pooled: bool) -> Grid:
    """Every metric of every network on one set: at both thresholds, and with hysteresis where it has been chosen."""
    keys = [key for key, metric in METRICS.items() if metric.pooled or not pooled]
    rows = []
    for network, cells in result["cells"].items():
        scores = cells[name]["scores"]
        for rater in (NETWORK, NETWORK_VALIDATED, NETWORK_HYSTERESIS) if scores else ():
            if (summary := scores[REGION].get(rater)) is not None:
                shown = "hysteresis" if rater == NETWORK_HYSTERESIS else f"{summary['threshold']:.2f}"
                rows.append([f"`{network}`", shown, *_cells(summary, keys, pooled)])
    observer = result["second_observer"].get(name)
    if observer:
        rows.append([SECOND_OBSERVER, "", *_cells(observer, keys, pooled)])
    return Grid(["network", "threshold", *(METRICS[key].title for key in keys)], rows)


def image_lines(result: Result) -> list[str]:
    """How many images of each set are scored, and why not all."""
    lines = []
    for name, facts in result["sets"].items():
        text = f"{name}: {len(facts['images'])} of {facts['labelled']} labelled images"
        if facts["left_out"]:
            networks = dict.fromkeys(network for by in facts["left_out"].values() for network in by)
            recorded = all(_is_recorded(result["networks"][network]) for network in networks)
            learned = "learned" if recorded else "learned, or may have learned,"
            text += f"; {len(facts['left_out'])} left out, since {' or '.join(networks)} {learned} from them"
        elif result["protocol"]["images"] == "test":
            text += ", the test split"
        lines.append(f"{text}.")
    return lines


def _is_recorded(facts: Mapping[str, Any]) -> bool:
    return facts["learned_images"] is not None and not facts.get("began_with_unrecorded")


def note_lines(result: Result) -> list[str]:
    """What is not as it should be with a network."""
    return [f"{name}: {note}." for name, facts in result["networks"].items() for note in facts["notes"]]


def matching_line(result: Result) -> str:
    """At which size every network is given the images."""
    angles = result["protocol"]["angles"]
    calibres = {name: facts.get("vessel_calibre") for name, facts in result["networks"].items()}
    by_vessels = [f"{name} {calibre:g}" for name, calibre in calibres.items() if calibre]
    if by_vessels and result["protocol"]["match"] == AUTO:
        return (
            "As predict does: a first look at the field-of-view diameter below finds the vessels, and the image is "
            f"brought to the size at which the widest are so many pixels wide: {', '.join(by_vessels)}. Other "
            "networks, and images of sets with a size of their own in training, by field-of-view diameter alone."
        )
    if not angles:
        return (
            "Every network is given the images at the field-of-view diameter that it was trained at. Where one camera "
            "has a narrower angle of view than the other, its vessels are still wider, by the ratio of the angles."
        )
    known = ", ".join(f"{name} {angle:g}" for name, angle in angles.items())
    return (
        "Every network is given the images with as many pixels to a degree as it was trained at, by the angles of view "
        f"of the sets ({known} degrees); where one is not known, at the field-of-view diameter that it was trained at."
    )


def diameter_line(result: Result) -> str:
    """How large every network is given images."""
    by_vessels, others = [], []
    for name, facts in result["networks"].items():
        diameter, calibre = f"{name} {facts['fov_diameter']:.0f}", facts.get("vessel_calibre")
        if calibre and result["protocol"]["match"] == AUTO:
            by_vessels.append(f"{diameter}, then to the size at which the widest vessels are {calibre:g} pixels wide")
        else:
            others.append(diameter)
    lines = []
    if by_vessels:
        lines.append(f"Field of view at a first look, in pixels: {'; '.join(by_vessels)}.")
    if others:
        lines.append(f"Field of view that each network was trained at, in pixels: {', '.join(others)}.")
    return " ".join(lines)


def how_to_read(result: Result) -> list[str]:
    """The marks that are in the matrix."""
    cells = [cell for cells in result["cells"].values() for cell in cells.values()]
    lines = []
    if any(cell["scores"] and cell["own_set"] and not cell["may_have_learned"] for cell in cells):
        lines.append(f"{OWN} The network learned from other images of this set.")
    if any(cell["scores"] and cell["may_have_learned"] for cell in cells):
        lines.append(f"{DOUBTFUL} It is not recorded which images the network learned from; some may be among these.")
    lines += [
        f"{NOTHING} {network} on {name}: {cell['reason']}."
        for network, of_sets in result["cells"].items()
        for name, cell in of_sets.items()
        if not cell["scores"]
    ]
    return lines


def pooled_scores(result: Result, metric: str, rater: str) -> Iterator[tuple[str, str, float | None]]:
    """(network, set, score) of every cell, and of the second observer."""
    for network, cells in result["cells"].items():
        for name, cell in cells.items():
            yield network, name, _pooled(cell, rater, metric)
    for name in result["sets"]:
        yield SECOND_OBSERVER, name, _value(result["second_observer"].get(name), metric)


def _pooled(cell: Mapping[str, Any], rater: str, metric: str) -> float | None:
    return _value(cell["scores"][REGION].get(rater), metric) if cell["scores"] else None


def _value(summary: Mapping[str, Any] | None, metric: str) -> float | None:
    return None if summary is None else summary["pooled"].get(metric)


def _formatted(value: float | None, metric: str) -> str:
    return "" if value is None else METRICS[metric].format(value)


def _marked(cell: Mapping[str, Any], value: float | None) -> str:
    if value is None:
        return NOTHING
    return (DOUBTFUL if cell["may_have_learned"] else OWN if cell["own_set"] else "") + f"{value:.4f}"


def _cells(summary: Mapping[str, Any], keys: Sequence[str], pooled: bool) -> list[str]:
    if pooled:
        return [METRICS[key].format(summary["pooled"].get(key)) for key in keys]
    return [_mean(summary["over_images"].get(key), key) for key in keys]


def _mean(over_images: Mapping[str, Any] | None, metric: str) -> str:
    if over_images is None:
        return ""
    mean, deviation = (METRICS[metric].format(over_images[key]) for key in ("mean", "standard_deviation"))
    return mean + (f" ({deviation})" if deviation else "")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
