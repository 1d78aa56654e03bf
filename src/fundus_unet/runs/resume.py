"""What an interrupted run continues from, and whether it would still be the same run."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console
from torch import nn

from fundus_unet.core.errors import InputError
from fundus_unet.runs.budget import as_long_as
from fundus_unet.runs.load import check_finite, check_fits, read_weights
from fundus_unet.runs.run_directory import RunDirectory, plain
from fundus_unet.runs.run_settings import check_same, fold_of, protocol_of
from fundus_unet.training.checkpoints import BEST, LAST, PREVIOUS
from fundus_unet.training.training_state import TrainingState


def saved_state(folder: Path, console: Console) -> TrainingState | None:
    """The last whole epoch that a folder of checkpoints holds; None where none had ended.

    A damaged or missing `last.ckpt` is told, and the one before it is taken.

    Raises:
        InputError: Where none that is there can be read.
    """
    last, previous = folder / LAST, folder / PREVIOUS
    if not last.exists() and not previous.exists():
        return None
    try:
        return TrainingState.read(last)
    except InputError as error:
        if not previous.exists():
            raise
        state = TrainingState.read(previous)
        console.print(
            f"{error.problem if last.exists() else f'{last} is missing'}; "
            f"continuing from {PREVIOUS}, the state after epoch {state.epochs}",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
        return state


def saved_best_score(folder: Path, network: nn.Module, console: Console) -> float | None:
    """What `best.ckpt` reached on validation; None where it is missing, or no good for `network`, which is told."""
    path = folder / BEST
    if not path.exists():
        return None
    try:
        weights = read_weights(path)
        check_fits(network, weights, path)
        check_finite(weights, path)
        return TrainingState.read(path).best_score
    except InputError as error:
        console.print(f"{error.problem}; the best epoch from here on is kept instead", style="yellow", markup=False)
        return None


def existing_run(path: Path, planned: DictConfig) -> RunDirectory | None:
    """The run in `path`, where it is the planned one; None where there is none yet.

    Raises:
        InputError: Where it is another run, or something else is there.
    """
    if not path.exists() or RunDirectory.is_unborn(path):
        return None
    run = RunDirectory(path)
    try:
        found, wanted = (settings_of(config) for config in (run.config, as_long_as(planned, run.config)))
        check_same({"there": found, "asked for": wanted})
    except InputError as error:
        raise InputError(
            f"{path} holds a run with other settings; it was not changed",
            expected="the same run, begun earlier, or nothing",
            got=str(error).split("got: ", 1)[-1].split("\n  what to do")[0],
            fix="choose another out_dir (for -m: hydra.sweep.dir), or move this folder away",
        ) from error
    return run


def settings_of(configuration: DictConfig) -> dict[str, Any]:
    """All settings that a run's outcome depends on, by dotted key."""
    config = plain(configuration)
    fold = fold_of(config)
    return (
        protocol_of(config)
        | ({} if fold is None else {"fold": fold})
        | {
            "seed": config["seed"],
            "upsampler": config["model"].get("upsampler"),
            "upsampled_width": config["model"].get("upsampled_width"),
        }
    )
