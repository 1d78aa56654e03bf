"""The sections of the report, from the files that the three comparisons wrote."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fundus_unet.comparison.accuracy.tables import accuracy_table, caveats, cost_table, difference_table, how_to_read
from fundus_unet.comparison.checkerboard.tables import SHORT_LEGEND, measure_blocks, short_grid
from fundus_unet.comparison.document import Block, Code, Figure, Folded, Heading, Paragraph
from fundus_unet.comparison.report.figures import accuracy_against_speed, forest
from fundus_unet.comparison.speed.tables import LEGEND, by_conditions, remarks, rows_as_trained, speed_grid
from fundus_unet.metrics.registry import METRICS

Result = Mapping[str, Any]
FIGURES = {
    "residual.png": "Logits less their mean over two pixels, amplified, in a part of the image without labelled "
    "vessels: a grid shows as a regular pattern. The same part for every network; one scale at "
    "initialization, and a finer one after training.",
    "spectrum.png": "Power of the logits by frequency, between vessels, over the frequencies around: a grid of the "
    "decoder shows as bright points in the circles. Frequency 0 is in the middle, the finest grid at the border.",
    "phase_means.png": "Mean of each of the four (or more) phases of the grid, relative to the standard deviation; "
    "one even tile is no grid.",
}
MAIN_METRICS = ("dice", "cldice", "betti0_error", "auroc", "average_precision")  # all are too wide for a page
FOREST_METRICS = ("dice", "cldice", "average_precision")


def what_was_compared(accuracy: Result | None, speed: Result | None, checkerboard: Result | None) -> list[Block]:
    """One paragraph: variants, data, protocol."""
    sentences = []
    if accuracy:
        protocol, variants = accuracy["protocol"], accuracy["variants"]
        seeds = sorted({seed for summary in variants.values() for seed in summary["seeds"]})
        sentences.append(
            f"The same U-Net was trained with {len(variants)} decoder upsamplings on {protocol['data']}, "
            f"{_plural(len(seeds), 'seed')} each; encoder, decoder channels, starting weights outside the upsampling, "
            f"order of the patches and number of steps were the same. Scores are of the {protocol['split']} split "
            f"({_plural(len(protocol['images']), 'image')}), in the field of view, at original resolution. "
            f"The control is `{accuracy['control']}`."
        )
        if protocol["parameters_matched"]:
            sentences.append(
                "Variants named `_width` were given more channels to have as many parameters as the control."
            )
    if speed:
        sentences.append("Times were measured with untrained networks, in interleaved rounds, relative to the control.")
    if checkerboard:
        sentences.append("Checkerboards were measured at initialization and, where runs were given, after training.")
    return [Paragraph(" ".join(sentences))]


def accuracy_section(accuracy: Result, rater: str, folder: Path) -> list[Block]:
    """Scores, differences with their intervals, and what they cost."""
    blocks: list[Block] = [
        Heading("Accuracy"),
        Paragraph(
            f"{rater}; mean ± standard deviation over seeds. Scores are pooled over the pixels of all images; "
            "Betti-0 error, the difference in the number of pieces, is the mean over images (lower is better)."
        ),
        accuracy_table(accuracy, rater, MAIN_METRICS),
    ]
    found = accuracy["differences"][rater]
    if any(found.values()):
        path = folder / "differences.png"
        panels = {
            METRICS[metric].title: {
                variant: (difference["mean"], difference["interval"], difference["corrected_interval"])
                for variant, difference in found[metric].items()
            }
            for metric in FOREST_METRICS
            if metric in found
        }
        forest(path, panels, accuracy["control"])
        blocks += [
            Figure(
                path,
                "Difference to the control, mean over images and seeds. Thick bar: 95 % interval; thin bar: "
                "interval corrected for the number of variants. A bar that crosses 0 is compatible with no difference.",
                "forest plot of the differences in the table below",
            ),
            Paragraph(how_to_read(found)),
            Folded("All differences", [difference_table(found)]),
        ]
    others = [name for name in accuracy["differences"] if name != rater]
    blocks += [Folded(f"All scores, {name}", [accuracy_table(accuracy, name)]) for name in (rater, *others)]
    blocks += [Folded("Cost", [cost_table(accuracy)]), *caveats(accuracy)]
    return blocks


def speed_section(speed: Result, precision: str) -> list[Block]:
    """Whole networks under the conditions most like training; all others on demand."""
    blocks: list[Block] = [Heading("Speed and memory"), Paragraph(LEGEND)]
    shown = [rows_as_trained(speed, mode, precision) for mode in ("training", "inference")]
    for title, rows in filter(None, shown):
        blocks += [Paragraph(f"**{title}**"), speed_grid(rows)]
    rest = [group for group in by_conditions(speed["rows"]) if group not in shown]
    if rest:
        inside = [block for title, rows in rest for block in (Paragraph(f"**{title}**"), speed_grid(rows))]
        blocks.append(Folded("Other conditions, and the layer alone at every decoder stage", inside))
    blocks += [Paragraph(remark) for remark in remarks(speed["rows"])]
    return blocks


def accuracy_speed_figure(accuracy: Result, speed: Result, rater: str, precision: str, folder: Path) -> list[Block]:
    """Dice over the time of a training step, for the variants that have both."""
    title, rows = rows_as_trained(speed, "training", precision) or ("", [])
    points = {}
    for row in rows:
        summary = accuracy["variants"].get(row["upsampler"])
        if summary is None or row["ratio_to_control"] is None:
            continue
        dice = summary["scores"][rater]["dice"]["pooled"]
        quartiles = (row["ratio_lower_quartile"], row["ratio_upper_quartile"])
        seeds = [value for value in dice["per_seed"] if value is not None]
        points[row["upsampler"]] = (dice["mean"], seeds, row["ratio_to_control"], quartiles)
    if len(points) < 2:
        return []
    path = folder / "accuracy_speed.png"
    accuracy_against_speed(path, points, speed["control"], f"Dice, {rater}", "time of a training step")
    caption = (
        f"Accuracy against speed ({title}). Large marker: mean over seeds; dots: single seeds; "
        "horizontal bar: quartiles over rounds."
    )
    return [Figure(path, caption, "scatter plot of Dice over relative time of a training step")]


def checkerboard_section(checkerboard: Result, folder: Path) -> list[Block]:
    """The main measures, the figures that `compare_checkerboard` drew, and every measure on demand."""
    variants, protocol = checkerboard["variants"], checkerboard["protocol"]
    blocks: list[Block] = [Heading("Checkerboards"), short_grid(variants), Paragraph(SHORT_LEGEND)]
    for name, caption in FIGURES.items():
        if (folder / name).is_file():
            blocks.append(Figure(folder / name, caption, caption))
    blocks.append(Folded("Every measure, stage and period", measure_blocks(variants, protocol)))
    return blocks


def protocol_section(results: Mapping[str, Result]) -> list[Block]:
    """Everything that is needed to repeat it: commands, settings, environment."""
    blocks: list[Block] = [Heading("Protocol and reproduction")]
    commands = [shlex.join(result["command"]) for result in results.values()]
    blocks += [Code("\n".join(commands))]
    for name, result in results.items():
        settings = result.get("protocol") or result.get("settings") or {}
        blocks.append(Folded(f"{name}: settings", [Code(_listing(settings))]))
        blocks.append(Folded(f"{name}: environment, {result['created']}", [Code(_listing(result["environment"]))]))
    accuracy = results.get("accuracy")
    if accuracy:
        runs = [
            " ".join(["fundus-unet train", *map(shlex.quote, run["overrides"])])
            for summary in accuracy["variants"].values()
            for run in summary["runs"].values()
        ]
        blocks.append(Folded("The runs, one by one", [Code("\n".join(runs))]))
    return blocks


def _listing(value: Any, indent: int = 0) -> str:
    """Nested settings, one per line."""
    if not isinstance(value, Mapping):
        return str(value)
    lines = []
    for key, item in value.items():
        nested = isinstance(item, Mapping) and bool(item)
        lines.append(" " * indent + f"{key}:" + ("" if nested else f" {item}"))
        if nested:
            lines.append(_listing(item, indent + 2))
    return "\n".join(lines)


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
