"""What a training says at its start and at its end, in 80 columns but for paths."""

import shlex
import textwrap
from collections.abc import Sequence
from typing import cast

from lightning.pytorch import Trainer
from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.core.counting import parameter_count
from fundus_unet.core.invocation import from_here, installed, lines_of, setting
from fundus_unet.core.plain_text import printable
from fundus_unet.data.case import Case, Splits
from fundus_unet.models.network import SegmentationNetwork
from fundus_unet.runs.run_directory import RunDirectory
from fundus_unet.runs.run_name import changes, upsampler_name
from fundus_unet.runs.training_objects import training_steps
from fundus_unet.training.segmenter import VesselSegmenter

COLUMNS, INDENT = 80, 10


def network_words(run: RunDirectory, model: VesselSegmenter) -> str:
    """The chosen network, and what it is: `attention_unet: U-Net [16, 32] with AttentionGate`."""
    described = cast(SegmentationNetwork, model.network).describe()
    chosen = run.choices.get("model")
    return described if chosen is None else f"{chosen}: {described}"


def say_what_starts(
    console: Console,
    run: RunDirectory,
    config: DictConfig,
    splits: Splits,
    model: VesselSegmenter,
    trainer: Trainer,
) -> None:
    """Network, upsampler, its first weights, what was changed, on what images it trains, and how long."""
    parts = [f"{parameter_count(model.network):,} parameters"]
    chosen = {"upsampler": upsampler_name(run.choices, run.overrides), "downsampler": run.choices.get("downsampler")}
    parts += [f"{group} {name}" for group, name in chosen.items() if name is not None]
    size, side = config.data.batch_size, config.data.patch_size
    patches = f"{size} patches" if size != 1 else "1 patch"
    steps = f"{training_steps(config):,} steps" if training_steps(config) != 1 else "1 step"
    together = f", {trainer.world_size} processes" if trainer.world_size > 1 else ""
    counts = f"{len(splits.train)} images to train on, {len(splits.val)} for validation, {len(splits.test)} for test"
    folds = config.data.get("folds")
    fold = f", fold {config.data.fold} of {folds}" if folds else ""
    rows = {
        "network": network_words(run, model),
        "": ", ".join(parts),
        "start": _start_words(run),
        "changed": " ".join(changes(run.overrides)),
        "data": f"{run.choices.get('data') or config.data.source._target_}{fold}: {counts}",
        "training": f"{steps} of {patches} of {side} x {side} pixels, "
        f"{config.trainer.precision} on {trainer.strategy.root_device.type}{together}",
    }
    for title, text in rows.items():
        if text:
            console.print(_row(title, printable(text)), soft_wrap=True, highlight=False, markup=False)
    console.print(f"run directory {from_here(run.path)}", soft_wrap=True, highlight=False, markup=False)


def say_what_is_next(console: Console, run: RunDirectory, cases: Sequence[Case], watched: bool) -> None:
    """Commands that run as pasted.

    Args:
        cases: The first one's image is what `predict` is shown with.
        watched: Whether TensorBoard has something to show.
    """
    where = setting("run_dir", from_here(run.path))
    image = setting("images", from_here(cases[0].image))
    maps = setting("out_dir", from_here(run.path / "predictions"))
    blocks = [f"# vessel maps of images\n{lines_of('predict', where, image, maps)}"]
    blocks.append(f"# the network in one file\n{lines_of('export', where)}")
    if watched:
        runs = shlex.quote(from_here(run.path.parent))
        blocks.append(f"# curves and figures in a browser\n{installed('tensorboard')} --logdir {runs}")
    console.print("\n" + "\n".join(blocks), soft_wrap=True, highlight=False, markup=False)


def _start_words(run: RunDirectory) -> str:
    start = run.start
    return "" if start is None else f"weights of {from_here(start['weights'])} ({start['fingerprint']})"


def _row(title: str, text: str) -> str:
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=title.ljust(INDENT),
        subsequent_indent=" " * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
