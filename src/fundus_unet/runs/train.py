"""Train a run: a new one from a configuration, or the rest of an interrupted one; then evaluate its best epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback
from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import record_instead
from fundus_unet.core.launchers import launch
from fundus_unet.runs.allowed_config import check_run_config
from fundus_unet.runs.ancestry import INHERITED
from fundus_unet.runs.budget import check_alone, measured, with_numbers
from fundus_unet.runs.config_file import portable
from fundus_unet.runs.data_check import check_command
from fundus_unet.runs.data_record import FAULTS, check_data, data_record, of_ancestors
from fundus_unet.runs.device import resolve_precision
from fundus_unet.runs.join_training import join_training
from fundus_unet.runs.prepared_training import PreparedTraining
from fundus_unet.runs.processes import is_first
from fundus_unet.runs.resume import settings_of
from fundus_unet.runs.run_directory import RunDirectory, new_run_path, plain
from fundus_unet.runs.run_name import upsampler_name
from fundus_unet.runs.same_network import check_same_network
from fundus_unet.runs.start_weights import KEY, StartWeights, located, read_start
from fundus_unet.runs.training_objects import CHECKPOINT_FOLDER, make_segmenter
from fundus_unet.training.step_timing import Timings


def train_new_run(
    config: DictConfig,
    choices: dict[str, Any],
    overrides: list[str],
    *,
    one_of_many: bool = False,
    callbacks: Sequence[Callback] = (),
) -> dict[str, Any] | None:
    """Train what the user configured, and evaluate it.

    Args:
        choices: The option chosen from each configuration group, for the record.
        overrides: What the user typed, for the record.
        one_of_many: Whether other runs follow, so that nothing is said of what can be done with this one.
        callbacks: Beside those of the configuration.

    Returns:
        The metrics of the test split (of validation, where test has no labels); None in another process than the first.

    Raises:
        InputError: Before anything is written where configuration or data cannot be used.
        DivergedError: Where training diverged.
        PrunedError: Where one of `callbacks` ended it.
    """
    if not is_first(config.trainer):
        join(completed(config, Path()), one_of_many)
        return None
    check_launch(config, one_of_many)
    console = Console()
    check_alone(config, overrides)
    config = completed(config, new_run_path(config, choices, overrides))
    start = _start(config, choices, overrides, console)
    training = PreparedTraining.of(config, True, console, check_command(choices, overrides), callbacks, start)
    budget = None
    if config.get("budget") is not None:
        plan, budget = training.fit_budget(console)
        overrides = with_numbers(overrides, plan)
        record_instead("budget", with_numbers([], plan))
    record = data_record(training.splits) | {"settings": settings_of(config), FAULTS: training.faults}
    if start is not None:
        record |= {INHERITED: start.inherited.as_record()}
        _say_what_is_known_before(record, console)
    _warn_where_it_cannot_be_resumed(config, console)
    kept = None if start is None else start.kept()
    run = RunDirectory.create(config, choices, overrides, record, budget, training.trainer.world_size, kept)
    return training.run(run, console, one_of_many)


def slowest_timings(configs: Sequence[DictConfig], console: Console, check_with: str) -> Timings:
    """Of trainings that differ in their networks alone, each with a budget: the slowest step and validation.

    Args:
        check_with: The command that tells more of the data.

    Raises:
        InputError: As `train_new_run`.
    """
    first, *others = configs
    training = PreparedTraining.of(first, trusted=True, console=console, check_with=check_with)
    segmenters = [training.segmenter, *(make_segmenter(config, trusted=True) for config in others)]
    return Timings.slowest(
        measured(config, training.trainer, segmenter, training.datamodule, console)
        for config, segmenter in zip(configs, segmenters, strict=True)
    )


def resume_run(
    run: RunDirectory, *, one_of_many: bool = False, callbacks: Sequence[Callback] = ()
) -> dict[str, Any] | None:
    """Train the rest of an interrupted run from the end of its last whole epoch; returns and raises as a new one.

    Raises:
        InputError: Before anything is written, where its configuration says what a run directory may not, or its data
            or its schedule are not those that it began with.
    """
    if not is_first(run.config.trainer):
        join(run.config, one_of_many)
        return None
    check_launch(run.config, one_of_many)
    console = Console()
    check_run_config(run.config)
    run.check_writable()
    run.remove_partial_files()
    training = PreparedTraining.of(run.config, trusted=False, console=console, callbacks=callbacks)
    unknown = check_data(run.path, data_record(training.splits), settings_of(run.config))
    if unknown:
        console.print(unknown, style="yellow", markup=False, soft_wrap=True)
    training.restore(run.path / CHECKPOINT_FOLDER, console)
    return training.run(run, console, one_of_many)


def join(config: DictConfig, one_of_many: bool) -> None:
    """Train along in another process than the first one; raises as `check_launch`."""
    check_launch(config, one_of_many)
    join_training(plain(config))


def check_launch(config: DictConfig, one_of_many: bool) -> None:
    """Raise `InputError` for several trainings of processes that one command does not start itself.

    Where torchrun, srun or the user on several machines did, each of them would sum up all runs, also unfinished ones.
    """
    found, machines = launch(), config.trainer.get("num_nodes", 1)
    if one_of_many and (found is not None or machines > 1):
        raise InputError(
            f"{found.name} started {found.processes} processes for several trainings"
            if found is not None
            else f"{machines} machines for several trainings",
            expected="one training, or a command that starts the processes of each training itself",
            fix="start the command once, with trainer.devices",
        )


def completed(config: DictConfig, run_path: Path) -> DictConfig:
    """A copy in which the run directory is named and the precision is no longer `auto`.

    Where weights to begin with are named, their place is a whole one, and the network fetches no others.
    """
    config = config.copy()
    config.paths.run_dir = str(run_path)
    config.trainer.precision = resolve_precision(config.trainer.precision, config.trainer.accelerator)
    if config.get(KEY) is not None:
        config[KEY] = located(config[KEY])
        if config.model.get("weights") is not None:
            config.model.weights = None
    return config


def _start(
    config: DictConfig, choices: Mapping[str, Any], overrides: Sequence[str], console: Console
) -> StartWeights | None:
    """The weights that a new run is to begin with, once they fit its network."""
    if config.get(KEY) is None:
        return None
    start = read_start(config[KEY])
    own = {**choices, "upsampler": upsampler_name(choices, overrides)}
    check_same_network(start.model, start.choices, config.model, own)
    if not start.is_final:
        text = f"the training of {start.place} has not ended: its best checkpoint so far is taken"
        console.print(text, style="yellow", markup=False, soft_wrap=True)
    return start


def _say_what_is_known_before(record: Mapping[str, Any], console: Console) -> None:
    """Warn of images that validate or test the run, and that its weights know already."""
    for split in ("val", "test"):
        for remark in of_ancestors(record, split, record[split], own=True):
            console.print(f"{split}: {remark}", style="yellow", markup=False, soft_wrap=True)


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
