"""Several processes that share the work of one command. Lightning is imported only where there are several."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

import torch

from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import start_others, together

if TYPE_CHECKING:
    from lightning.fabric import Fabric

Item = TypeVar("Item")


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

    def share(self, items: list[Item]) -> list[Item]:
        """This process's part of the first one's list."""
        if self.fabric is not None:
            with together():
                items = self.fabric.broadcast(items)
        return items[self.number :: self.processes]

    def wait(self) -> None:
        """Until all are here."""
        if self.fabric is not None:
            with together():
                self.fabric.barrier()


def launched(device: torch.device, devices: int, strategy: str) -> Place:
    """This process's place among those that share the work; starts the others.

    Raises:
        InputError: Where they cannot be started.
    """
    if devices == 1 and strategy == "auto":
        return Place(device)
    from lightning.fabric import Fabric
    from lightning.fabric.strategies.ddp import DDPStrategy

    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    if devices > 1:
        start_others()
    try:
        # the first to be ready waits for the others as long as they need; the default is half an hour
        waiting = DDPStrategy(timeout=timedelta(days=365)) if devices > 1 and strategy == "auto" else strategy
        fabric = Fabric(accelerator=device.type, devices=devices, strategy=waiting)
    except (ValueError, RuntimeError) as error:  # lightning's MisconfigurationException among them
        raise InputError(
            f"the processes cannot be started: {error}", fix="check device, devices and strategy"
        ) from error
    with together():
        fabric.launch()
    return Place(fabric.device, fabric.global_rank, fabric.world_size, fabric)
