"""The training itself, and what is told and kept when it ends before its time."""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

from lightning.pytorch import Trainer
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import INTERRUPTED, interruption_requested
from fundus_unet.core.invocation import command, from_here, setting
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.runs.allowed_parts import BESIDE_A_RUN, is_trusted
from fundus_unet.runs.process_group import training_together
from fundus_unet.runs.run_directory import CONFIG, DIVERGED, PRUNED, RunDirectory
from fundus_unet.runs.run_logging import errors_of_writers_raised_once, log_config
from fundus_unet.runs.stopwatch import Stopwatch
from fundus_unet.training.checkpoints import LAST, RunCheckpoints
from fundus_unet.training.pruning import PrunedError
from fundus_unet.training.segmenter import DivergedError, VesselSegmenter
from fundus_unet.training.validation_log import ValidationLog

BAD_INPUT = 2


def fit(
    trainer: Trainer,
    model: VesselSegmenter,
    datamodule: FundusDataModule,
    config: DictConfig,
    run: RunDirectory,
    console: Console,
    plan: Mapping[str, Any],
    begun: float,
) -> None:
    """Train, and keep how long it took and how it ended.

    Args:
        plan: What other processes of this training prepare it from.
        begun: By `time.perf_counter`, when its preparation began.

    Raises:
        DivergedError, PrunedError: Where it was ended for its scores.
        InputError, OSError: For what stopped it from outside, such as a full disk or the end of another process.
        SystemExit: For an interruption. What is kept, and how to continue, is told before.
    """
    clock, ended, code = Stopwatch(), "failed", INTERRUPTED

    def give_up(error: InputError) -> NoReturn:
        _say_what_is_kept(run, checkpoints_of(trainer), "failed", console)
        print(f"error: {error}", file=sys.stderr, flush=True)
        os._exit(BAD_INPUT)

    try:
        with errors_of_writers_raised_once(), training_together(trainer, plan, give_up):
            log_config(trainer, run, config)
            trainer.fit(model, datamodule)
        ended = "finished"
    except DivergedError:
        ended = DIVERGED
        raise
    except PrunedError:
        ended = PRUNED
        raise
    except (KeyboardInterrupt, SystemExit) as stop:  # lightning's answer to Ctrl-C is to exit with 1
        ended = "interrupted"
        if isinstance(stop, SystemExit) and isinstance(stop.code, int) and stop.code not in (0, 1):
            code = stop.code  # by which a cluster's launcher knows that it has queued the job again
    except Exception as error:
        if not (run.path / CONFIG).is_file():
            raise InputError(
                f"the run directory {run.path} was removed while training",
                fix="start the training again, and leave its run directory where it is until it ends",
            ) from error
        if isinstance(error, RuntimeError) and str(error).startswith("Early stopping"):
            raise InputError(f"callbacks: {error}", fix="set the callback's monitor to one of the scores") from error
        told = ended_worker(error)
        if told is None and not interruption_requested():
            raise
        time.sleep(0.5)  # where a signal went to all processes, a worker may end before the signal is noticed here
        if told is not None and not interruption_requested():
            raise told from error
        ended = "interrupted"
    finally:
        if (run.path / CONFIG).is_file():
            with suppress(OSError, InputError):  # what stopped the training, such as a full disk, is told instead
                facts = {"steps": trainer.global_step, "ended": ended, "processes": trainer.world_size}
                run.add_session(clock.elapsed() | _preparation(trainer, begun) | facts)
            if ended in ("interrupted", "failed"):
                _say_what_is_kept(run, checkpoints_of(trainer), ended, console)
    if ended == "interrupted":
        sys.exit(code)


def checkpoints_of(trainer: Trainer) -> RunCheckpoints:
    """The callback that writes the run's checkpoints."""
    return next(callback for callback in trainer.checkpoint_callbacks if isinstance(callback, RunCheckpoints))


def _preparation(trainer: Trainer, begun: float) -> dict[str, float]:
    """The seconds until the first step was to begin, where it came to that."""
    log = next(callback for callback in trainer.callbacks if isinstance(callback, ValidationLog))  # type: ignore[attr-defined]
    return {} if log.started is None else {"preparation_seconds": round(log.started - begun, 1)}


def ended_worker(error: Exception) -> InputError | None:
    """What to tell where a process that makes patches has ended; None for another error."""
    if not (isinstance(error, RuntimeError) and "DataLoader worker" in str(error)):
        return None
    return InputError(
        "a process that makes patches was ended from outside, perhaps for lack of memory",
        got=str(error).split("\n")[0],
        fix="set data.workers=0 or a smaller data.batch_size",
    )


def _say_what_is_kept(run: RunDirectory, checkpoints: RunCheckpoints, ended: str, console: Console) -> None:
    last = checkpoints.folder / LAST
    kept = (
        f"the state after epoch {checkpoints.epochs} is kept in {from_here(last)}"
        if last.is_file()
        else "no epoch had ended"
    )
    console.print(
        f"\n{ended}: {kept}\ncontinue with: {continuing(run)}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def continuing(run: RunDirectory) -> str:
    """The command that continues a run, for a shell."""
    network, logger = run.config.model._target_, OmegaConf.select(run.config, "logger._target_")
    more = [f"trust={network}"] * is_trusted(network)
    if logger in BESIDE_A_RUN and is_trusted(logger):
        more.append(f"logger={BESIDE_A_RUN[logger]}")
    return command("train", setting("resume", from_here(run.path)), *more)
