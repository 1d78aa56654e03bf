"""Several processes that share the work of one command. Lightning is imported only where there are several."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, cast

import torch

from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import is_started_by_another, start_others, together
from fundus_unet.core.launchers import launch

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Part = TypeVar("Part")


@dataclass(frozen=True)
class Place:
    """This process among those that share the work; `fabric` is None where it is alone."""

    device: torch.device
    number: int = 0
    processes: int = 1
    fabric: "Fabric | None" = None

    @property
    def is_first(self) -> bool:
        return self.number == 0

    def share(self, part: Callable[[int], Part]) -> Part:
        """What the first process's `part` makes for this one's number; it is called there alone."""
        if self.fabric is None:
            return part(0)
        own = None
        with together():
            for number in range(self.processes):  # one after the other, so that no process holds all parts
                sent = self.fabric.broadcast(part(number) if self.is_first else None)
                own = sent if number == self.number else own
        return cast(Part, own)

    def everywhere(self, fact: bool) -> bool:
        """Whether something is so in every process."""
        if self.fabric is None:
            return fact
        with together():
            count = self.fabric.all_reduce(torch.tensor(float(fact), device=self.device), reduce_op="sum")
        return int(cast(torch.Tensor, count)) == self.processes

    def wait(self) -> None:
        """Until all are here."""
        if self.fabric is not None:
            with together():
                self.fabric.barrier()


def is_alone() -> bool:
    """Whether no other process of this command runs yet: neither a launcher, nor one of its kind, started this one."""
    return launch() is None and not is_started_by_another() and os.environ.get("NODE_RANK", "0") == "0"


def launched(device: torch.device, devices: int, num_nodes: int, strategy: str) -> Place:
    """This process's place among those that share the work; starts the others, where no launcher has.

    Raises:
        InputError: Where they cannot be started, or a launcher started another number of them.
    """
    found = launch()
    if found is not None and found.processes != devices * num_nodes:
        raise InputError(
            f"{found.name} started another number of processes than share the images",
            expected=f"{devices * num_nodes}, since devices={devices}, num_nodes={num_nodes}",
            got=found.processes,
            fix="set devices to the processes on each machine, and num_nodes to the number of machines",
        )
    if devices * num_nodes == 1 and strategy == "auto":
        return Place(device)
    from lightning.fabric import Fabric
    from lightning.fabric.strategies.ddp import DDPStrategy

    from fundus_unet.runs.processes import MEETING, environment_here

    unknown = [name for name in MEETING if name not in os.environ]
    if found is None and num_nodes > 1 and unknown:
        raise InputError(
            f"{num_nodes} machines cannot find each other",
            expected=f"srun or torchrun, or in the environment of the command on each machine: {', '.join(MEETING)}",
            got=f"num_nodes={num_nodes}, without {', '.join(unknown)}",
            fix="start the command with srun or torchrun on all machines, or set num_nodes=1",
        )
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    if devices > 1 and found is None:
        start_others()
    try:
        # the first to be ready waits for the others as long as they need; the default is half an hour
        waiting = (
            DDPStrategy(timeout=timedelta(days=365)) if devices * num_nodes > 1 and strategy == "auto" else strategy
        )
        fabric = Fabric(
            accelerator=device.type,
            devices=devices,
            num_nodes=num_nodes,
            strategy=waiting,
            plugins=[] if found is None else [environment_here()],
        )
    except (ValueError, RuntimeError) as error:  # lightning's MisconfigurationException among them
        raise InputError(
            f"the processes cannot be started: {error}", fix="check device, devices, num_nodes and strategy"
        ) from error
    with together():
        fabric.launch()
    return Place(fabric.device, fabric.global_rank, fabric.world_size, fabric)
