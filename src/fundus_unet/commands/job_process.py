"""Where a job of a multirun runs: in the process of the command, beside others on its machine, or on a cluster."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from fundus_unet.commands.multirun import Multirun
from fundus_unet.core.interruption import end_with_parent
from fundus_unet.core.invocation import from_here, set_running

LOGS = "logs"
"""Folder beside the runs: what each of the jobs that ran at the same time printed."""


@contextmanager
def in_its_process(title: str, name: str) -> Iterator[None]:
    """Say that a job begins; in a process of its own, be what the command's process is.

    What jobs print that run beside each other goes to a file each, since a terminal would mix them. They end when the
    command's process does, however that ends.

    Args:
        title: Of the job, in words.
        name: Of its run.
    """
    multirun = Multirun()
    if multirun.is_elsewhere:
        sys.argv[:] = multirun.arguments
        set_running(multirun.command)
    if not multirun.is_beside:
        print(f"\n{title}", flush=True)
        yield
        return
    end_with_parent(multirun.place[1])
    log = Path(multirun.folder) / LOGS / f"{name}.txt"
    log.parent.mkdir(parents=True, exist_ok=True)
    print(f"{title}\n  prints to {from_here(log)}", flush=True)
    with log.open("a", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        yield
