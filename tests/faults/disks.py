"""Fill the disk, or forbid to write, while a command works; then make room and give it again."""

import random
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faults.attempt import CORRUPT, HUNG, LOST, TRACEBACK, TRACED, Attempt
from faults.forked import launch
from faults.kills import Command

REFUSED = (1, 2)


def full(
    command: Command, folder: Path, make: Callable[[Path], None], seed: int, count: int, room: tuple[int, int]
) -> list[Attempt]:
    """Give the command `count` times with room for files of so many bytes only, then with as much as it wants.

    A file that would grow above the limit cannot be written any further, as on a full disk; every user can set that.
    What was refused tells so in a message, and the same command succeeds once there is room.
    """
    choose = random.Random(seed)
    whole = folder / "whole"
    whole.mkdir(parents=True)
    make(whole)
    assert launch(whole, command.script, *command.overrides).wait() == command.finished
    expected = command.results(whole)
    attempts = []
    for number in range(count):
        here = folder / f"full_{number}"
        here.mkdir()
        make(here)
        limit = int(room[0] * (room[1] / room[0]) ** choose.random())
        attempts.append(_attempt(command, here, expected, f"seed {seed}, number {number}: {limit:,} bytes", limit))
        shutil.rmtree(here)
    return attempts


def _attempt(command: Command, here: Path, expected: dict[str, Any], detail: str, limit: int) -> Attempt:
    kind = f"full disk, {command.kind}"
    process = launch(here, command.script, *command.overrides, before=lambda: _limit(limit))
    code = process.wait()
    if code is None:
        return Attempt(kind, detail, HUNG, process.told)
    if TRACEBACK in process.told:
        return Attempt(kind, detail, TRACED, process.told)
    if code not in (command.finished, *REFUSED):
        return Attempt(kind, detail, LOST, f"exit code {code}: {process.told}")
    script, overrides = command.again(here)
    process = launch(here, script, *overrides)
    if process.wait() != command.finished or TRACEBACK in process.told:
        return Attempt(kind, detail, LOST, f"with room again: {process.told}")
    try:
        found = command.results(here)
    except Exception as error:
        return Attempt(kind, detail, CORRUPT, f"{type(error).__name__}: {error}")
    differing = [name for name in expected if found.get(name) != expected[name]]
    return Attempt(kind, detail, LOST if differing else None, ", ".join(sorted(differing)[:5]))


def _limit(size: int) -> None:
    """Above the limit, writing fails; the script's own output, which is short, is not what is meant."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
