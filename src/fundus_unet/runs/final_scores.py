"""The scores of a run once its training has ended: of its best epoch, on a split that it was not chosen by."""

from functools import partial
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.data.case import Case, Splits
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.inference.evaluation import choose_masks
from fundus_unet.runs.evaluate import score
from fundus_unet.runs.load import load_predictor
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.training_objects import CHECKPOINT_FOLDER, shown


def score_best(
    run: RunDirectory, config: DictConfig, splits: Splits, preprocessor: Preprocessor, console: Console
) -> tuple[dict[str, Any], tuple[Case, ...]] | None:
    """Choose the masks on validation, and score on the final split; the run is finished with that.

    Returns:
        The metrics, and the images they are of; None where no validation chose a best epoch.
    """
    if not (run.path / CHECKPOINT_FOLDER / "best.ckpt").is_file():
        return None
    predictor = load_predictor(run, "best", "auto")
    track = partial(shown, description="choosing masks on validation", console=console)
    masks = choose_masks(predictor, preprocessor, splits.val, track)
    run.keep_masks(masks)
    split, cases = _final_cases(config.final_split, splits, console)
    return score(run, predictor, preprocessor, masks, cases, split), cases


def _final_cases(split: str, splits: Splits, console: Console) -> tuple[str, tuple[Case, ...]]:
    """The split that was asked for; validation where test has no labels."""
    cases, reason = getattr(splits, split), splits.test_reason
    if split == "test" and (not cases or any(case.label is None for case in cases)):
        split, cases = "val", splits.val
        text = (
            "no test image can be scored. The scores below are of validation, by which the checkpoint was chosen, "
            f"and so are rather too good.\n{reason}"
        )
    elif split == "test" and reason:
        text = f"left out of test: {reason}"
    else:
        return split, cases
    console.print(text, style="yellow", markup=False, soft_wrap=True)
    return split, cases
