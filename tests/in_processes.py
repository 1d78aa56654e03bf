"""Call a function in several processes that form a group, as those of one training do."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing

from fundus_unet.runs.processes import NUMBER


def in_processes(function: Callable[..., Any], *arguments: Any, count: int = 2) -> list[Any]:
    """What `function(*arguments)` returns in each process; it is found by its module's name."""
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(_run, (function, arguments, count, folder), nprocs=count)
        return [torch.load(Path(folder) / str(rank), weights_only=False) for rank in range(count)]


def _run(rank: int, function: Callable[..., Any], arguments: tuple[Any, ...], count: int, folder: str) -> None:
    torch.set_num_threads(1)
    os.environ[NUMBER] = str(rank)  # what Lightning is told there
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=count)
    torch.save(function(*arguments), Path(folder) / str(rank))
    dist.destroy_process_group()
