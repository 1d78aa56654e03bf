"""What every variant predicts for a few images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from fundus_unet.comparison.report.side_by_side import Shown, Tile, tiles_of
from fundus_unet.comparison.variants import cases_of_run
from fundus_unet.core.errors import InputError, did_you_mean
from fundus_unet.data.images.store import LabelledImage, decode
from fundus_unet.inference.predictor import Predictor
from fundus_unet.runs.load import load_predictor
from fundus_unet.runs.run_directory import RunDirectory


@dataclass(frozen=True)
class PredictionSettings:
    """What the predictions show.

    Args:
        images: Their names; None: those with the control's least, median and greatest Dice.
        show_images: Whether images, labels and errors are shown, or only maps that networks computed.
        device: To predict on.
        data_dir: Where the sets are; None: where training found them.
    """

    images: Sequence[str] | None
    show_images: bool
    device: str
    data_dir: str | None


@dataclass
class Predictions:
    """The tiles of every image, the seeds of the networks, and what is not shown: names by the reason.

    Args:
        control: The variant that the others' differences are to.
        first_problems: In full, what was wrong with the first of those left out, by the reason.
    """

    tiles: dict[str, list[Tile]] = field(default_factory=dict)
    seeds: list[int] = field(default_factory=list)
    control: str = ""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    first_problems: dict[str, str] = field(default_factory=dict)


def make_predictions(
    accuracy: Mapping[str, Any], folder: Path, settings: PredictionSettings, console: Console
) -> Predictions:
    """Predict with a network of every variant; variants and images that are not here are left out.

    Raises:
        InputError: For an image that is not in the split.
    """
    names = _chosen(accuracy, settings.images)
    found = Predictions()
    if not names:
        return found

    def leave_out(what: str, why: str, error: InputError) -> None:
        if what not in found.left_out.setdefault(why, []):  # by another fold
            found.left_out[why].append(what)
        found.first_problems.setdefault(why, error.problem)

    fold_of = accuracy["protocol"].get("fold_of") or {}
    networks = {
        fold: _networks(accuracy, folder, settings, fold, leave_out)
        for fold in dict.fromkeys(fold_of.get(name) for name in names)
    }
    runs_of_all = [runs for runs, _ in networks.values()]
    common = [variant for variant in runs_of_all[0] if all(variant in runs for runs in runs_of_all)]
    if not common:
        found.left_out = {why: ["every variant"] for why in found.left_out}
        return found
    found.seeds = sorted({int(run.config.seed) for runs in runs_of_all for run in runs.values()})
    control = found.control = accuracy["control"] if accuracy["control"] in common else common[0]
    for name in track(names, "predicting for the report", console=console, transient=True):
        runs, predictors = networks[fold_of.get(name)]
        try:
            sample = _sample(name, accuracy["protocol"]["split"], runs[control])
        except InputError as error:
            leave_out(name, "no image and label that can be used are here", error)
            continue
        probabilities = {
            variant: predictors[variant].probability(sample.working, sample.field_of_view) for variant in common
        }
        shown = Shown(sample.working.image, sample.label) if settings.show_images else None
        found.tiles[name] = tiles_of(probabilities, control, sample.field_of_view, shown)
    return found


def _networks(
    accuracy: Mapping[str, Any],
    folder: Path,
    settings: PredictionSettings,
    fold: int | None,
    leave_out: Callable[[str, str, InputError], None],
) -> tuple[dict[str, RunDirectory], dict[str, Predictor]]:
    """The runs, and what predicts, of every variant that can be used; of one fold in a cross-validation."""
    runs: dict[str, RunDirectory] = {}
    predictors: dict[str, Predictor] = {}
    for variant, choice in _runs(accuracy, folder, settings.data_dir, fold).items():
        try:
            if isinstance(choice, InputError):
                raise choice
            predictors[variant] = load_predictor(choice, "best", settings.device)
            runs[variant] = choice
        except InputError as error:
            leave_out(variant, "no checkpoint that can be used is here", error)
    return runs, predictors


def _runs(
    accuracy: Mapping[str, Any], folder: Path, data_dir: str | None, fold: int | None
) -> dict[str, RunDirectory | InputError]:
    """A run with a checkpoint of every variant: of one seed for all where that can be; or why there is none."""
    usable: dict[str, dict[int, RunDirectory]] = {}
    problems: dict[str, InputError] = {}
    for variant, summary in accuracy["variants"].items():
        for seed in summary["seeds"]:
            try:
                facts = summary["runs"][str(seed)]
                place = facts["run_dir"] if fold is None else facts["folds"][fold]["run_dir"]
                run = RunDirectory(folder / place, data_dir)
                run.checkpoint("best")
                usable.setdefault(variant, {})[seed] = run
            except InputError as error:
                problems[variant] = error
    common = set.intersection(*map(set, usable.values())) if usable else set()
    return {
        variant: usable[variant][min(common or usable[variant])] if variant in usable else problems[variant]
        for variant in accuracy["variants"]
    }


def _chosen(accuracy: Mapping[str, Any], names: Sequence[str] | None) -> list[str]:
    known = accuracy["protocol"]["images"]
    for name in names or ():
        if name not in known:
            raise InputError(
                f"there is no image {name!r} in the compared split", expected=known, fix=did_you_mean(str(name), known)
            )
    if names is not None:
        return list(names)
    dice = accuracy["variants"][accuracy["control"]]["dice_per_image"]
    ordered = sorted(dice, key=lambda name: dice[name] or 0.0)
    return list(dict.fromkeys(ordered[place] for place in (0, len(ordered) // 2, -1)))


def _sample(name: str, split: str, run: RunDirectory) -> LabelledImage:
    cases, preprocessor = cases_of_run(run, split)
    case = next((case for case in cases if case.name == name), None)
    if case is None:
        raise InputError(f"the image {name} is not in the data any more")
    return decode(case, preprocessor)
