"""A training as long as `budget` says: measured on this machine, and kept as numbers that any machine can repeat.

`data.steps_per_epoch` and `trainer.max_epochs` are chosen; the schedule goes over all steps, so it is complete. A run
is trained, resumed and found again by these numbers, and never measured twice.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from lightning.pytorch import Callback, Trainer
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from fundus_unet.core.duration import duration, seconds_of, short_duration
from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import interruption_requested
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.runs.budget_plan import MARGIN, Plan
from fundus_unet.runs.environment import environment
from fundus_unet.runs.fit import ended_worker
from fundus_unet.runs.run_logging import loggers_of
from fundus_unet.training.figures import PredictionFigures
from fundus_unet.training.segmenter import VesselSegmenter
from fundus_unet.training.step_timing import Timings, measure

STEPS, EPOCHS = "data.steps_per_epoch", "trainer.max_epochs"
CHOSEN = (STEPS, EPOCHS, "data.epochs")
"""Settings that the budget stands for."""
OTHER_LENGTHS = {
    "max_steps": -1,
    "max_time": None,
    "min_epochs": None,
    "min_steps": None,
    "limit_train_batches": None,
    "overfit_batches": 0,
    "fast_dev_run": False,
    "check_val_every_n_epoch": 1,
    "val_check_interval": None,
}
"""Settings of the trainer that change how long a training is or when it is validated, and what leaves it as it is."""
SHARE, LEAST, MOST = 0.02, 0.5, 15.0
"""Steps, and validation, are each measured for so large a share of the budget, and so many seconds."""


def check_alone(config: DictConfig, overrides: Iterable[str]) -> None:
    """Raise `InputError` where something else too says how long to train."""
    if config.get("budget") is None:
        return
    named = [item for item in overrides if _key(item) in CHOSEN]
    for name, neutral in OTHER_LENGTHS.items():
        value = config.trainer.get(name)
        if value is not None and value != neutral:
            named.append(f"trainer.{name}={value}")
    if named:
        raise InputError(
            "how long to train is said in two ways",
            expected=f"budget, which chooses {STEPS} and {EPOCHS}, or settings of one's own",
            got=f"budget={config.budget} and {' '.join(named)}",
            fix="leave one of them out",
        )


def measured(
    config: DictConfig, trainer: Trainer, segmenter: VesselSegmenter, datamodule: FundusDataModule, console: Console
) -> Timings:
    """How long the steps and validations of this training take here; changes nothing of it.

    Raises:
        InputError: For a training of several processes.
    """
    if trainer.world_size > 1:
        raise InputError(
            "how long several processes take is not measured",
            expected="budget with one process, or the length of the training in numbers",
            got=f"budget={config.budget} and {trainer.world_size} processes",
            fix=f"set {STEPS} and {EPOCHS} instead of budget",
        )
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    try:
        with console.status("measuring how long a step takes"):
            return measure(
                segmenter,
                datamodule,
                dict(config.trainer),
                seconds=min(MOST, max(LEAST, SHARE * seconds_of(config.budget))),
                images=_validated(len(datamodule.val), config.trainer.get("limit_val_batches")),
                callbacks=[callback for callback in callbacks if isinstance(callback, PredictionFigures)],
                writes_events=bool(loggers_of(trainer)),
            )
    except SystemExit as stop:  # lightning's answer to Ctrl-C
        raise KeyboardInterrupt from stop
    except Exception as error:
        found = ended_worker(error)
        if found is not None:
            time.sleep(0.5)  # a worker may end of a signal before it is noticed here
        if interruption_requested():
            raise KeyboardInterrupt from error
        if found is None:
            raise
        raise found from error


def set_length(config: DictConfig, plan: Plan) -> None:
    """Write the chosen numbers into a configuration."""
    for key, value in _numbers(plan).items():
        OmegaConf.update(config, key, value)


def with_numbers(overrides: Iterable[str], plan: Plan) -> list[str]:
    """What gives the same training on any machine: the chosen numbers in place of `budget`."""
    kept = [item for item in overrides if _key(item) != "budget"]
    return [*kept, *(f"{key}={value}" for key, value in _numbers(plan).items())]


def as_long_as(planned: DictConfig, there: DictConfig) -> DictConfig:
    """The planned run with the numbers of one that is there; itself where it has no budget.

    Raises:
        InputError: Where the one that is there was made for another budget, or for none.
    """
    if planned.get("budget") is None:
        return planned
    if not same_budget(planned.budget, there.get("budget")):
        raise InputError("it has another budget", got=f"budget={there.get('budget')} there; {planned.budget} asked for")
    same = planned.copy()
    set_length(same, Plan(there.trainer.max_epochs, there.data.steps_per_epoch))
    return same


def same_budget(one: str, other: str | None) -> bool:
    """Whether two budgets are equally long, however they are written."""
    try:
        return other is not None and seconds_of(one) == seconds_of(str(other))
    except ValueError:  # a run may come from a stranger
        return False


def record(budget: str, plan: Plan, timings: Timings) -> dict[str, Any]:
    """What was asked for, measured and chosen, for a JSON file."""
    machine = environment()
    return {
        "budget": budget,
        "seconds_to_start": round(timings.start, 3),
        "seconds_per_step": round(timings.step, 6),
        "seconds_per_validation": round(timings.validation, 4),
        "margin": MARGIN,
        "expected_seconds": round(plan.seconds(timings), 1),
        "epochs": plan.epochs,
        "steps_per_epoch": plan.steps_per_epoch,
        "steps": plan.steps,
        **{name: machine[name] for name in ("processor", "cpus", "torch_threads", "accelerator")},
    }


def say(console: Console, kept: Mapping[str, Any]) -> None:
    """One line on what `record` holds."""
    validating = kept["epochs"] * kept["seconds_per_validation"]
    console.print(
        f"budget {duration(seconds_of(kept['budget']))}: {short_duration(kept['seconds_per_step'])} a step, "
        f"{short_duration(validating)} of validation: {kept['steps']:,} steps in {kept['epochs']} epochs",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _validated(images: int, limit: int | float | None) -> int:
    """How many images Lightning validates with."""
    if limit is None:
        return images
    return min(images, limit) if isinstance(limit, int) else int(images * limit)


def _numbers(plan: Plan) -> dict[str, int]:
    return {STEPS: plan.steps_per_epoch, EPOCHS: plan.epochs}


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0].partition("@")[0]
