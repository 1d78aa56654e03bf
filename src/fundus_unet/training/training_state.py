"""What a training continues from: read from a checkpoint as numbers, each checked against what it replaces."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from fundus_unet.core.errors import InputError
from fundus_unet.training.checkpoint_file import damaged_checkpoint, read_checkpoint


@dataclass(frozen=True)
class TrainingState:
    """The state after `epochs` whole epochs and `steps` optimizer steps, as Lightning writes it to a checkpoint.

    Nothing of it says where to write or what to run: counters, tensors, and the numbers of the optimizer, the schedule,
    the loss scaler, the callbacks and the random generators. `best_score` is the best validation score so far.
    """

    path: Path
    epochs: int
    steps: int
    optimizer: dict[str, Any]
    schedule: dict[str, Any]
    scaler: dict[str, Any]
    callbacks: dict[str, dict[str, Any]]
    best_score: float | None
    random: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "TrainingState":
        """Read a checkpoint, without running code from it.

        Raises:
            InputError: Where it is damaged or no checkpoint of a training.
        """
        found = read_checkpoint(path)
        try:
            own = _own_state(found)
            return cls(
                path=path,
                epochs=_count(found["epoch"]) + 1,
                steps=_count(found["global_step"]),
                optimizer=dict(found["optimizer_states"][0]),
                schedule=dict(found["lr_schedulers"][0]),
                scaler=dict(found.get("MixedPrecision") or {}),
                callbacks={str(key): dict(value) for key, value in found["callbacks"].items()},
                best_score=_score(own.get("best_score")),
                random=dict(own.get("random") or {}),
            )
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise damaged_checkpoint(path, error) from error

    def check_schedule(self, optimizer: Optimizer, schedule: LRScheduler, max_epochs: int) -> None:
        """Compare with the optimizer and the schedule that the run's configuration makes, which stay as they are.

        Raises:
            InputError: Where they are for another number of steps, or the state is not theirs.
        """
        planned, saved = schedule.state_dict().get("total_steps"), self.schedule.get("total_steps")
        if planned != saved or self.epochs > max_epochs:
            raise InputError(
                f"{self.path} belongs to another schedule than the run's configuration",
                expected=f"a learning rate planned for {planned} steps in {max_epochs} epochs",
                got=f"one planned for {saved} steps, of which {self.steps} in {self.epochs} epochs are done",
                fix="put config.yaml back as training wrote it; training longer is a new schedule, and so a new run: "
                "give its overrides (run.json) to train.py again, with another trainer.max_epochs",
            )
        self._checked_optimizer(optimizer)
        _alike(schedule.state_dict(), self.schedule, f"{self.path}: the schedule")

    def restore(self, trainer: Trainer) -> None:
        """Continue from here: called once optimizers are made and before the first batch is asked for.

        Raises:
            InputError: Where the state is not one of these optimizers, schedules or callbacks.
        """
        optimizer, schedule = trainer.optimizers[0], trainer.lr_scheduler_configs[0].scheduler
        optimizer.load_state_dict(self._checked_optimizer(optimizer))
        schedule.load_state_dict(_alike(schedule.state_dict(), self.schedule, f"{self.path}: the schedule"))
        scaler = trainer.precision_plugin.state_dict()
        if scaler:
            trainer.precision_plugin.load_state_dict(_alike(scaler, self.scaler, f"{self.path}: the loss scaler"))
        for callback, own in _with_numbers(trainer):
            saved = self.callbacks.get(callback.state_key, {})
            callback.load_state_dict(_alike(own, saved, f"{self.path}: {type(callback).__name__}"))
        self._restore_random()
        epochs, loop = trainer.fit_loop.epoch_progress, trainer.fit_loop.epoch_loop
        for counter in (epochs.total, epochs.current):
            for name in ("ready", "started", "processed", "completed"):
                setattr(counter, name, self.epochs)
        steps = loop.automatic_optimization.optim_progress.optimizer.step.total
        steps.ready = steps.completed = self.steps
        loop._batches_that_stepped = self.steps  # the step that loggers write

    def _checked_optimizer(self, optimizer: Optimizer) -> dict[str, Any]:
        own, where = optimizer.state_dict(), f"{self.path}: the optimizer"
        groups = _alike(own["param_groups"], self.optimizer.get("param_groups"), where)
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        numbers = [number for group in own["param_groups"] for number in group["params"]]
        shapes = {number: parameter.shape for number, parameter in zip(numbers, parameters, strict=True)}
        state = self.optimizer.get("state")
        if not isinstance(state, dict) or not state.keys() <= shapes.keys():
            raise _other(where, f"state of {len(shapes)} parameters", type(state).__name__)
        for number, values in state.items():
            for name, value in _items(values, where):
                fits = isinstance(value, Tensor) and (value.ndim == 0 or value.shape == shapes[number])
                if not (fits and bool(torch.isfinite(value).all())) and not _is_number(value):
                    raise _other(where, f"finite numbers for parameter {number}", f"{name}={value!r:.80}")
        return {"state": state, "param_groups": groups}

    def _restore_random(self) -> None:
        generators = {"cpu": (torch.get_rng_state, torch.set_rng_state)}
        if torch.cuda.is_available():
            generators["cuda"] = (torch.cuda.get_rng_state, torch.cuda.set_rng_state)
        for name, (current, put) in generators.items():
            if name in self.random:
                try:
                    put(_alike(current(), self.random[name], f"{self.path}: random numbers"))
                except RuntimeError as error:
                    raise _other(f"{self.path}: random numbers", "the state of a generator", str(error)) from error


def _own_state(found: Mapping[str, Any]) -> dict[str, Any]:
    """What `RunCheckpoints` kept."""
    states = {str(key).partition("{")[0]: value for key, value in found["callbacks"].items()}
    return dict(states["RunCheckpoints"])


def _with_numbers(trainer: Trainer) -> Iterator[tuple[Callback, dict[str, Any]]]:
    """The callbacks that have a state, other than the one that reads it here."""
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        state = callback.state_dict()
        if state and type(callback).load_state_dict is not Callback.load_state_dict:
            yield callback, state


def _alike(own: Any, saved: Any, where: str) -> Any:
    """`saved`, of which only what `own` has is taken, and only where it is of the same kind and shape."""
    if isinstance(own, dict):
        if not isinstance(saved, dict):
            raise _other(where, "values by name", type(saved).__name__)
        return {
            key: _alike(value, saved[key], f"{where}, {key}") if key in saved else value for key, value in own.items()
        }
    if isinstance(own, list | tuple):
        if not isinstance(saved, list | tuple) or len(saved) != len(own):
            raise _other(where, f"{len(own)} values", f"{saved!r:.80}")
        return type(own)(_alike(*pair, where) for pair in zip(own, saved, strict=True))
    if isinstance(own, Tensor):
        if not isinstance(saved, Tensor) or saved.shape != own.shape or saved.dtype != own.dtype:
            raise _other(where, f"a tensor {tuple(own.shape)} of {own.dtype}", f"{saved!r:.80}")
        return saved
    if isinstance(own, bool) or not _is_number(own):
        if saved != own:
            raise _other(where, repr(own), f"{saved!r:.80}")
        return own
    if not _is_number(saved):
        raise _other(where, "a finite number", f"{saved!r:.80}")
    return saved


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _items(values: Any, where: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(values, dict):
        raise _other(where, "values by name", type(values).__name__)
    yield from values.items()


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(f"{value!r:.80} is no count")
    return value


def _score(value: Any) -> float | None:
    if value is not None and not _is_number(value):
        raise ValueError(f"{value!r:.80} is no score")
    return value


def _other(where: str, expected: str, got: str) -> InputError:
    return InputError(
        f"{where} is not that of the run's configuration",
        expected=expected,
        got=got,
        fix="put config.yaml back as training wrote it, or start a new run",
    )
