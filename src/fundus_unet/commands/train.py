"""Train a network from a configuration, then evaluate it on test."""

import logging
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from lightning.pytorch import Trainer, seed_everything
from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.commands.entry import explain
from fundus_unet.commands.multirun import job_ended, job_path
from fundus_unet.commands.settings import check_settings
from fundus_unet.commands.training_objects import CHECKPOINT_FOLDER, make_datamodule, make_model, make_trainer
from fundus_unet.core.errors import InputError
from fundus_unet.core.files import write_json
from fundus_unet.data.case import Splits
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.inference.evaluation import choose_threshold
from fundus_unet.runs.allowed_config import check_run_config
from fundus_unet.runs.build import build
from fundus_unet.runs.config_file import portable
from fundus_unet.runs.data_record import check_data, data_record
from fundus_unet.runs.device import resolve_precision
from fundus_unet.runs.evaluate import evaluate_run
from fundus_unet.runs.fit import checkpoints_of, continuing, fit
from fundus_unet.runs.load import load_predictor, load_preprocessor, load_weights
from fundus_unet.runs.lock import training_in
from fundus_unet.runs.resume import existing_run, saved_best_score, saved_state, settings_of
from fundus_unet.runs.run_directory import THRESHOLD, RunDirectory, new_run_path
from fundus_unet.runs.tensorboard import log_final_metrics
from fundus_unet.training.segmenter import DivergedError, VesselSegmenter


def train_from_config(config: DictConfig) -> dict[str, Any] | None:
    """Entry of `scripts/train.py`: a new run, with `resume=RUN_DIR` the rest of an old one, with `-m` many."""
    hydra = HydraConfig.get()
    choices, overrides = dict(hydra.runtime.choices), list(hydra.overrides.task)
    if config.resume is not None:
        run = RunDirectory(config.resume)
        _apply_to_resumed(run, config, overrides)
        return resume_run(run)
    if hydra.mode == RunMode.MULTIRUN:
        return _train_job(config, choices, overrides, hydra.sweep.dir)
    return train_new_run(config, choices, overrides)


def train_new_run(config: DictConfig, choices: dict[str, Any], overrides: list[str]) -> dict[str, Any] | None:
    """Train what the user configured, and evaluate it.

    Args:
        `choices` and `overrides` are kept in the run directory.

    Returns:
        The metrics of the test split (of validation, where test has no labels).

    Raises:
        InputError: Before anything is written where configuration or data cannot be used; `DivergedError`.
    """
    console = Console()
    _quieten_libraries()
    config.trainer.precision = resolve_precision(config.trainer.precision, config.trainer.accelerator)
    config.paths.run_dir = str(new_run_path(config, choices))
    trainer = make_trainer(config, Path(config.paths.run_dir), trusted=True)
    prepared = _prepare(config, trusted=True, console=console)
    record = data_record(prepared.splits) | {"settings": settings_of(config)}
    _warn_where_it_cannot_be_resumed(config, console)

    def begin() -> RunDirectory:
        return RunDirectory.create(config, choices, overrides, record)

    return _train(begin, config, trainer, prepared, console)


def resume_run(run: RunDirectory) -> dict[str, Any] | None:
    """Train the rest of an interrupted run from the end of its last whole epoch; returns and raises as a new one.

    Raises:
        InputError: Before anything is written, where its configuration says what a run directory may not, or its
            data or its schedule are not those that it began with.
    """
    console = Console()
    _quieten_libraries()
    check_run_config(run.config)
    run.check_writable()
    run.remove_partial_files()
    folder = run.path / CHECKPOINT_FOLDER
    trainer = make_trainer(run.config, run.path, trusted=False)
    prepared = _prepare(run.config, trusted=False, console=console)
    unknown = check_data(run.path, data_record(prepared.splits), settings_of(run.config))
    if unknown:
        console.print(unknown, style="yellow", markup=False, soft_wrap=True)
    state = saved_state(folder, console)
    if state is not None:
        load_weights(prepared.model.network, state.path)
        state.check_schedule(
            *prepared.model.make_optimizer_and_schedule(_training_steps(run.config)), run.config.trainer.max_epochs
        )
        checkpoints_of(trainer).resume(state, saved_best_score(folder, prepared.model.network, console))
    return _train(lambda: run, run.config, trainer, prepared, console)


def _warn_where_it_cannot_be_resumed(config: DictConfig, console: Console) -> None:
    """What the user may say here, a run directory may not: whoever resumes it need not be its author."""
    try:
        check_run_config(portable(config))
    except InputError as error:
        console.print(
            f"an interrupted training of this configuration cannot be continued later: {error.one_line}",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )


def _train_job(
    config: DictConfig, choices: dict[str, Any], overrides: list[str], sweep_dir: str
) -> dict[str, Any] | None:
    """One job of a multirun: trained, continued, or kept where it is finished. An error does not stop the rest."""
    path = job_path(sweep_dir, config, choices, overrides)
    print(f"\njob {path.name}: {' '.join(overrides)}")
    try:
        check_settings(config, "train")
        config.paths.run_dir = str(path)
        config.trainer.precision = resolve_precision(config.trainer.precision, config.trainer.accelerator)
        run = existing_run(path, config)
        if run is None:
            metrics = train_new_run(config, choices, overrides)
        elif _is_scored(run):
            print(f"finished before, and kept: {path}")
            metrics = None
        else:
            if run.diverged:
                raise DivergedError(f"training diverged before; delete {path} to try again")
            metrics = resume_run(run)
    except Exception as error:
        message = explain(error, "train")
        if message is None:
            message = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        print(f"error: {message}", file=sys.stderr)
        job_ended(path.name, message.splitlines()[0])
        return None
    job_ended(path.name)
    return metrics


def _is_scored(run: RunDirectory) -> bool:
    splits = (run.config.final_split, "val")
    return run.finished and any((run.path / "evaluation" / split / "metrics.json").is_file() for split in splits)


@dataclass(frozen=True)
class _Prepared:
    splits: Splits
    datamodule: FundusDataModule
    model: VesselSegmenter


def _prepare(config: DictConfig, trusted: bool, console: Console) -> _Prepared:
    """Read the data and make the model, before anything is written."""
    seed_everything(config.seed, verbose=False)
    splits: Splits = build(config.data.source, trusted=trusted).splits()
    datamodule = make_datamodule(config, splits, trusted, console)
    model = make_model(config, trusted)
    model.make_optimizer_and_schedule(_training_steps(config))
    return _Prepared(splits, datamodule, model)


def _train(
    begin: Callable[[], RunDirectory], config: DictConfig, trainer: Trainer, prepared: _Prepared, console: Console
) -> dict[str, Any] | None:
    """Everything is ready, and nothing is written yet."""
    run = begin()
    with training_in(run.path):
        _say_what_starts(console, run, config, prepared.model, trainer)
        fit(trainer, prepared.model, prepared.datamodule, config, run, console)
        try:
            return _finish(run, config, prepared.splits, trainer, console)
        except KeyboardInterrupt:
            print(f"\ninterrupted after the training, before all scores were written\ncontinue with: {continuing(run)}")
            raise


def _finish(
    run: RunDirectory, config: DictConfig, splits: Splits, trainer: Trainer, console: Console
) -> dict[str, Any] | None:
    if not (run.path / "checkpoints" / "best.ckpt").is_file():
        console.print("no validation was run, so there is no best checkpoint to evaluate")
        return None
    predictor = load_predictor(run, "best", "auto")
    threshold = choose_threshold(predictor, load_preprocessor(config), splits.val)
    write_json(run.place(THRESHOLD), {"checkpoint": "best", "threshold": threshold})
    split = config.final_split
    if split == "test" and (not splits.test or any(case.label is None for case in splits.test)):
        console.print(f"[yellow]no test scores: {splits.test_reason}; these are validation's")
        split = "val"
    metrics = evaluate_run(run, config.data.source, split, split)
    log_final_metrics(trainer, run, config, metrics, split)
    console.print(
        f"run       {run.path}\nbest      {run.checkpoint('best')}\n"
        f"watch     tensorboard --logdir {run.path.parent}\n"
        f"look at   {min((run.path / 'evaluation' / split / 'figures').iterdir())}",
        soft_wrap=True,
        highlight=False,
    )
    return metrics


def _apply_to_resumed(run: RunDirectory, config: DictConfig, overrides: list[str]) -> None:
    """A resumed run keeps its configuration; only the place of the data may have changed.

    Raises:
        InputError: For any other override.
    """
    for override in overrides:
        key = override.partition("=")[0]
        if key == "paths.data_dir":
            run.set_data_dir(config.paths.data_dir)
        elif key != "resume":
            raise InputError(
                f"a resumed run keeps its configuration, so {override} cannot be applied",
                expected="resume=RUN_DIR, and paths.data_dir=DIR where the data has moved",
                fix="start a new run for another configuration",
            )


def _say_what_starts(
    console: Console,
    run: RunDirectory,
    config: DictConfig,
    model: VesselSegmenter,
    trainer: Trainer,
) -> None:
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    console.print(
        f"U-Net {list(config.model.widths)}, {parameters:,} parameters; {run.choices.get('upsampler')}, "
        f"{run.choices.get('downsampler')}\n{_training_steps(config)} steps of {config.data.batch_size} patches of "
        f"{config.data.patch_size} pixels, {config.trainer.precision} on {trainer.accelerator.__class__.__name__}\n"
        f"run directory {run.path}",
        soft_wrap=True,
        highlight=False,
    )


def _training_steps(config: DictConfig) -> int:
    """Raise `InputError` where `trainer.limit_train_batches` is neither a number of batches nor a share of them."""
    limit, per_epoch = config.trainer.limit_train_batches, config.data.steps_per_epoch
    if isinstance(limit, float) and 0 < limit <= 1:
        per_epoch = int(per_epoch * limit)
    elif isinstance(limit, int) and limit > 0:
        per_epoch = min(limit, per_epoch)
    elif limit is not None:
        raise InputError(
            "trainer.limit_train_batches cannot be used",
            expected="a number of batches from 1, a share of them such as 0.5, or null",
            got=limit,
        )
    return per_epoch * config.trainer.max_epochs


def _quieten_libraries() -> None:
    """Silence advice that does not apply: data come from memory, and validation is four images."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for message in (
        ".*does not have many workers.*",
        ".*smaller than the logging interval.*",
        ".*lr_scheduler.step.*",
        ".*Checkpoint directory.*exists.*",
        ".*LeafSpec.*",
    ):
        warnings.filterwarnings("ignore", message=message)
