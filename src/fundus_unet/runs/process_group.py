"""The processes of one training as a group: formed before it and left after it, with one message on a failure."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy

from fundus_unet.core.errors import InputError
from fundus_unet.core.launchers import launch
from fundus_unet.runs.started_processes import StartedProcesses
from fundus_unet.training.whole_batch import are_several

NOTICED_IN = 3.0
"""Seconds in which the system tells of a process that has ended, after its connections have."""


@contextmanager
def training_together(
    trainer: Trainer, plan: Mapping[str, Any], give_up: Callable[[InputError], None]
) -> Iterator[None]:
    """Form the group of `trainer`'s processes, in the first one of them, and leave it in the end.

    The others prepare `plan` meanwhile; those of this machine are started, unless a launcher started them.

    Args:
        give_up: Ends this process with the error, where it waits for one that has ended, and cannot be interrupted.

    Raises:
        InputError: Where another process has ended before its time, also in an earlier training.
    """
    strategy = trainer.strategy
    if not isinstance(strategy, DDPStrategy):
        yield
        return
    if are_several():  # see `leave_group`
        raise InputError(
            "processes of an earlier training have ended before their time, so that no others can be started here",
            fix="give the command again: what is done is kept",
        )
    environment, threads = dict(os.environ), torch.get_num_threads()
    others: StartedProcesses | None = None
    orderly = False
    try:
        if trainer.num_devices > 1 and launch() is None:
            others = start_others(trainer, plan, lambda ended: give_up(_ended(ended, trainer)))
        form_group(trainer, others)
        waited_for(lambda: strategy.broadcast(dict(plan)), others)
        waited_for(strategy.barrier, others)
        yield
        waited_for(strategy.barrier, others)
        orderly = True
    except Exception as error:
        if "find_unused_parameters" in str(error):
            raise InputError(
                "the network has parameters that its loss does not depend on",
                fix="set trainer.strategy=ddp_find_unused_parameters_true, or change the network",
            ) from error
        if not is_of_communication(error):
            raise
        ended = others.find_ended(NOTICED_IN) if others is not None else None
        raise _ended(ended or _reason(error), trainer) from error
    finally:
        if others is not None:
            others.end(orderly=orderly)
        leave_group(orderly)
        os.environ.clear()
        os.environ.update(environment)
        torch.set_num_threads(threads)


def start_others(trainer: Trainer, plan: Mapping[str, Any], give_up: Callable[[str], None]) -> StartedProcesses:
    """Start the other processes of this machine."""
    strategy: Any = trainer.strategy
    place = strategy.cluster_environment
    return StartedProcesses(
        plan, trainer.num_devices - 1, place.main_address, place.main_port, place.node_rank(), give_up
    )


def form_group(trainer: Trainer, others: StartedProcesses | None = None) -> None:
    """Meet all processes of the training; raises as `waited_for`."""
    device: torch.device = trainer.strategy.root_device
    if device.type == "cuda":
        torch.cuda.set_device(device)
    waited_for(trainer.strategy.setup_environment, others)


def leave_group(orderly: bool) -> None:
    """Be one process again."""
    # NCCL would wait for processes that have ended
    if dist.is_initialized() and (orderly or dist.get_backend() != "nccl"):
        dist.destroy_process_group()


def waited_for(call: Callable[[], Any], others: StartedProcesses | None = None) -> Any:
    """What `call` returns, which waits for other processes; an interruption is noticed meanwhile.

    Raises:
        ConnectionError: Where one of `others` ends meanwhile; and whatever `call` does.
    """
    result: list[Any] = []
    error: list[BaseException] = []
    # a new thread begins with the first GPU, which is another process's
    device = torch.cuda.current_device() if torch.cuda.is_initialized() else None

    def run() -> None:
        try:
            if device is not None:
                torch.cuda.set_device(device)
            result.append(call())
        except BaseException as raised:
            error.append(raised)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.1)
        if others is not None and others.ended is not None:
            raise ConnectionError(others.ended)
    if error:
        raise error[0]
    return result[0]


def is_of_communication(error: BaseException) -> bool:
    """Whether torch.distributed says, in one of its many ways, that another process is not there any more."""
    text = str(error)
    told = isinstance(error, RuntimeError) and any(word in text for word in ("gloo", "NCCL", "onnection ", "c10d"))
    return told or isinstance(error, dist.DistError | ConnectionError)


def _reason(error: Exception) -> str:
    text = str(error).split("\n")[0][:200]
    return "the connection to it was closed" if "gloo" in text or not text else text


def _ended(how: str, trainer: Trainer) -> InputError:
    return InputError(
        f"another of the {trainer.world_size} processes ended before its time",
        got=how,
        fix="the others were ended too; continue the run, as is said above",
    )
