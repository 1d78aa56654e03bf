"""Whether torchrun or srun started several processes of this command together, and which of them this one is."""

import os
from dataclasses import dataclass

from fundus_unet.core.errors import InputError


@dataclass(frozen=True)
class Launch:
    """What a launcher says: it started so many `processes`, of which this is number `rank`, from 0."""

    name: str
    processes: int
    rank: int


def launch() -> Launch | None:
    """What torchrun or srun says of its processes; None where this one was started alone.

    Raises:
        InputError: Where mpirun started several.
    """
    if _number("OMPI_COMM_WORLD_SIZE") > 1:
        raise InputError(
            "mpirun started several processes, which do not find each other",
            expected="processes of torchrun or srun, or one that starts the others",
            fix="start the command once, with trainer.devices; or with torchrun or srun",
        )
    if _number("SLURM_STEP_NUM_TASKS") > 1:
        return Launch("srun", _number("SLURM_STEP_NUM_TASKS"), _number("SLURM_PROCID"))
    if _number("WORLD_SIZE") > 1 and {"RANK", "LOCAL_RANK"} <= os.environ.keys():
        return Launch("torchrun", _number("WORLD_SIZE"), _number("RANK"))
    return None


def is_launched_beside_another() -> bool:
    """Whether a launcher started this process, and not as the first one, which speaks for all."""
    try:
        found = launch()
    except InputError:
        return False
    return found is not None and found.rank > 0


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    return int(text) if text.isdigit() else 0
