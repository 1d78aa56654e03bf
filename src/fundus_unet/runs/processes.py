"""Which processes train together, and how: what Lightning's Trainer is given for them."""

import math
import os
from collections.abc import Mapping
from typing import Any

from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.plugins import TorchSyncBatchNorm

from fundus_unet.core.errors import InputError
from fundus_unet.core.launchers import launch
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.runs.device import uses_gpu
from fundus_unet.training.synced_batch_norm import SyncedBatchNorms

NUMBER = "FUNDUS_UNET_PROCESS"
"""In the environment of a process that another one has started: its number on this machine, from 1."""

MEETING = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
"""What processes on several machines, started there by hand, have to be told in their environment."""


class OwnProcesses(LightningEnvironment):
    """Processes that the first one on each machine starts itself, so Lightning starts none."""

    @property
    def creates_processes_externally(self) -> bool:
        return True

    def local_rank(self) -> int:
        return int(os.environ.get(NUMBER, "0"))


def processes_settings(trainer: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of Lightning's Trainer, and the plugins for them, for the group `trainer` of a configuration."""
    settings = dict(trainer)
    plugins: list[Any] = [environment_here()]
    if settings.pop("sync_batchnorm", True):
        plugins.append(TorchSyncBatchNorm() if uses_gpu(settings.get("accelerator", "auto")) else SyncedBatchNorms())
    return {**settings, "plugins": plugins}


def environment_here() -> LightningEnvironment | SLURMEnvironment | TorchElasticEnvironment:
    """How a process finds the others.

    Raises:
        InputError: As `launch`, and where srun was not told what Lightning wants to know.
    """
    found = launch()
    if found is None:
        return OwnProcesses()
    if found.name == "torchrun":
        return TorchElasticEnvironment()
    try:
        return SLURMEnvironment(auto_requeue=False)
    except RuntimeError as error:
        raise InputError(
            f"{found.name} started processes in a way that cannot be used: {error}",
            fix="give srun --nodes and --ntasks-per-node",
        ) from error


def is_first(trainer: Mapping[str, Any]) -> bool:
    """Whether this process is to make the run directory: of all that train together, the one that speaks.

    Args:
        trainer: The group of that name of the configuration.

    Raises:
        InputError: As `launch`.
    """
    found = launch()
    if found is not None:
        return found.rank == 0
    return NUMBER not in os.environ and (trainer.get("num_nodes", 1) == 1 or os.environ.get("NODE_RANK", "0") == "0")


def check_processes(trainer: Trainer, batch_size: int) -> None:
    """Compare the number of processes with what a launcher started, and with the batch.

    Raises:
        InputError: Where another number was started, machines cannot find each other, or the batch cannot be divided
            evenly.
    """
    found, processes = launch(), trainer.world_size
    named = f"trainer.devices={trainer.num_devices}, trainer.num_nodes={trainer.num_nodes}"
    asked = trainer.num_devices * trainer.num_nodes
    if found is not None and found.processes != asked:
        raise InputError(
            f"{found.name} started another number of processes than train together",
            expected=f"{asked}, since {named}",
            got=found.processes,
            fix="set trainer.devices to the processes on each machine, and trainer.num_nodes to the number of machines",
        )
    unknown = [name for name in MEETING if name not in os.environ]
    if found is None and trainer.num_nodes > 1 and unknown:
        raise InputError(
            f"{trainer.num_nodes} machines cannot find each other",
            expected=f"srun or torchrun, or in the environment of the command on each machine: {', '.join(MEETING)}",
            got=f"{named}, without {', '.join(unknown)}",
            fix="start the command with srun or torchrun on all machines, or set trainer.num_nodes=1",
        )
    if batch_size % processes:
        below, above = batch_size // processes * processes, math.ceil(batch_size / processes) * processes
        raise InputError(
            "the patches of a batch cannot be divided evenly among the processes",
            expected=f"data.batch_size as a multiple of {processes}, the number of processes",
            got=f"data.batch_size={batch_size}, {named}",
            fix=f"set data.batch_size={below or above}, or another number of trainer.devices",
        )


def share_validation(trainer: Trainer, datamodule: FundusDataModule) -> None:
    """Have several processes validate with as many images together as one would: Lightning limits each of them."""
    limit, images = trainer.limit_val_batches, len(datamodule.val)
    if trainer.world_size == 1 or not limit:
        return
    datamodule.validated = min(images, limit) if isinstance(limit, int) else int(images * limit)
    trainer.limit_val_batches = 1.0
