"""A process other than the first one of a training: it trains along, and says, writes and evaluates nothing.

The first process starts it by the name of this module, or a launcher does by the user's command.
"""

import contextlib
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from omegaconf import OmegaConf
from rich.console import Console

from fundus_unet.core.errors import InputError
from fundus_unet.core.freed_memory import keep_freed_memory
from fundus_unet.core.interruption import INTERRUPTED
from fundus_unet.core.launchers import launch
from fundus_unet.runs.allowed_parts import trusting
from fundus_unet.runs.prepared_training import PreparedTraining
from fundus_unet.runs.process_group import form_group, is_of_communication, leave_group, start_others, waited_for
from fundus_unet.runs.processes import NUMBER, check_processes, processes_settings
from fundus_unet.runs.quiet_libraries import quieten_libraries
from fundus_unet.runs.started_processes import END, StartedProcesses
from fundus_unet.runs.training_objects import CHECKPOINT_FOLDER
from fundus_unet.training.segmenter import DivergedError

FAILED = 1


def join_training(config: Mapping[str, Any]) -> None:
    """Train along in the training that the first process plans; exits with an error where that fails.

    Args:
        config: The configuration as it is known here, for how the processes find each other.

    Raises:
        InputError: As `check_processes`, which every process finds by itself.
    """
    _be_quiet()
    code, orderly = FAILED, False
    others: StartedProcesses | None = None
    trainer = _trainer(config)
    check_processes(trainer, config["data"]["batch_size"])
    try:
        strategy: Any = trainer.strategy
        if trainer.num_devices > 1 and launch() is None and NUMBER not in os.environ:  # the first one of its machine
            others = start_others(trainer, {"config": dict(config)}, lambda ended: os._exit(FAILED))
        form_group(trainer, others)
        plan = waited_for(lambda: strategy.broadcast({}), others)
        with trusting(plan["trust"]):
            training = PreparedTraining.along(OmegaConf.create(plan["config"]), plan["trusted"])
            if plan["resumed"]:
                training.restore(Path(training.config.paths.run_dir) / CHECKPOINT_FOLDER, Console(quiet=True))
            waited_for(strategy.barrier, others)
            training.trainer.fit(training.segmenter, training.datamodule)
            waited_for(strategy.barrier, others)
        code, orderly = 0, True
    except (KeyboardInterrupt, SystemExit):
        code = INTERRUPTED
    except DivergedError:
        pass  # in all of them, and the first one tells
    except Exception as error:
        if not is_of_communication(error):  # that of others, of whom one tells
            message = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
            print(message, file=sys.stderr, flush=True)
    if others is not None:
        others.end(orderly=orderly)
    if code:
        os._exit(code)  # without waiting for processes that have ended
    leave_group(orderly)


def _trainer(config: Mapping[str, Any]) -> Trainer:
    """One that only knows who trains together."""
    quieten_libraries()
    settings = processes_settings(config["trainer"])
    kept = {name: settings[name] for name in ("accelerator", "devices", "num_nodes", "strategy") if name in settings}
    quiet: dict[str, Any] = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return Trainer(**kept, **quiet, plugins=settings["plugins"][:1])


def _be_quiet() -> None:
    warnings.simplefilter("ignore")
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - for as long as this process lives


def main() -> None:
    """Entry of a process that the first one has started."""
    keep_freed_memory()
    _leave_signals_to_the_first_one()
    screen, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    plan = json.loads(sys.stdin.readline())
    finished = threading.Event()

    def watch() -> None:
        word = ""
        with contextlib.suppress(OSError, ValueError):
            word = sys.stdin.readline().strip()
        if word != END:
            if os.environ[NUMBER] == "1":
                with contextlib.suppress(OSError):
                    os.write(screen, f"error: {_first_has_ended(plan)}\n".encode())
            os._exit(FAILED)
        finished.set()

    threading.Thread(target=watch, daemon=True).start()
    join_training(plan["config"])
    finished.wait()
    os._exit(0)


def _leave_signals_to_the_first_one() -> None:
    """Those that a terminal, or a cluster before its time limit, sends to all: the first one ends the others."""
    for name in ("SIGINT", "SIGUSR1", "SIGUSR2"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _first_has_ended(plan: Mapping[str, Any]) -> InputError:
    return InputError(
        "the first process of the training ended before its time",
        got="it is not there any more; the others have ended too",
        fix=f"continue with: {plan['continue']}" if plan.get("continue") else "give the command again",
    )


if __name__ == "__main__":
    main()
