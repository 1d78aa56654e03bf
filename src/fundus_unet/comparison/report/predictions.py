"""What every variant predicts for one image, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from fundus_unet.comparison.document import Block, Figure, Heading, Paragraph
from fundus_unet.comparison.report.side_by_side import predictions_side_by_side
from fundus_unet.comparison.variants import cases_of_run
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.images.store import LabelledImage, decode
from fundus_unet.drawing.png import write_png
from fundus_unet.runs.load import load_predictor
from fundus_unet.runs.run_directory import RunDirectory


@dataclass(frozen=True)
class PredictionFigure:
    """What the figure of predictions shows.

    Args:
        image: Its name; None: the one with the control's median Dice.
        show_images: Whether the image, its label and errors are shown, or only maps that networks computed.
        device: To predict on.
        data_dir: Where the sets are; None: where training found them.
    """

    image: str | None
    show_images: bool
    device: str
    data_dir: str | None


def draw_predictions(
    accuracy: Mapping[str, Any], folder: Path, shown: PredictionFigure, console: Console
) -> list[Block]:
    """The section with the figure; where runs or images are not here, a sentence that says so instead.

    Raises:
        InputError: For an image that is not in the split.
    """
    try:
        seeds, runs = _runs(accuracy, folder, shown.data_dir)
        sample = _chosen_image(accuracy, next(iter(runs.values())), shown.image)
        probabilities = {
            variant: load_predictor(run, "best", shown.device).probability(sample.working, sample.field_of_view)
            for variant, run in track(runs.items(), "predicting for the figures", console=console, transient=True)
        }
    except _NoSuchImageError:
        raise
    except InputError as error:
        console.print(f"no figures of predictions: {error}", style="yellow", markup=False, highlight=False)
        return [Heading("Predictions"), Paragraph(f"Not shown: {error.problem}.")]
    path = folder / "report" / "predictions.png"
    panels = predictions_side_by_side(
        probabilities,
        sample.field_of_view,
        sample.working.image if shown.show_images else None,
        sample.label if shown.show_images else None,
    )
    write_png(path, panels, colours=None if shown.show_images else 64)
    caption = (
        f"Vessel probability of {sample.case.name}, seed {', '.join(map(str, seeds))}; then, enlarged, the part "
        "(orange frame) on which the networks disagree most: elsewhere they are more alike than here."
    )
    if shown.show_images:
        caption += " Errors at threshold 0.5: found vessels white, false ones orange, missed ones blue."
    return [Heading("Predictions"), Figure(path, caption, "vessel probability maps of every variant, side by side")]


class _NoSuchImageError(InputError):
    pass


def _runs(accuracy: Mapping[str, Any], folder: Path, data_dir: str | None) -> tuple[list[int], dict[str, RunDirectory]]:
    """The seeds that are shown, and a run with a checkpoint for every variant: of one seed for all where that can be.

    Raises:
        InputError: Where a variant has none.
    """
    usable: dict[str, dict[int, RunDirectory]] = {}
    for variant, summary in accuracy["variants"].items():
        usable[variant], problem = {}, None
        for seed in summary["seeds"]:
            try:
                run = RunDirectory(folder / summary["runs"][str(seed)]["run_dir"], data_dir)
                run.checkpoint("best")
                usable[variant][seed] = run
            except InputError as error:
                problem = problem or error
        if problem and not usable[variant]:
            raise problem
    common = set.intersection(*map(set, usable.values()))
    chosen = {variant: min(common or of_variant) for variant, of_variant in usable.items()}
    return sorted(set(chosen.values())), {variant: usable[variant][seed] for variant, seed in chosen.items()}


def _chosen_image(accuracy: Mapping[str, Any], run: RunDirectory, image: str | None) -> LabelledImage:
    names = accuracy["protocol"]["images"]
    name = image or _median_image(accuracy)
    if name not in names:
        raise _NoSuchImageError(
            f"there is no image {name!r} in the compared split", expected=names, fix=did_you_mean(str(name), names)
        )
    cases, preprocessor = cases_of_run(run, accuracy["protocol"]["split"])
    case = next((case for case in cases if case.name == name), None)
    if case is None:
        raise InputError(f"the image {name} is not in the data any more")
    return decode(case, preprocessor)


def _median_image(accuracy: Mapping[str, Any]) -> str:
    """The image on which the control is neither especially good nor bad."""
    dice = accuracy["variants"][accuracy["control"]]["dice_per_image"]
    ordered = sorted(dice, key=lambda name: dice[name] or 0.0)
    return ordered[len(ordered) // 2]
