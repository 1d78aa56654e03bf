"""The other processes of a training on this machine: started by the first one, watched, and ended with it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from fundus_unet.runs.processes import NUMBER

MODULE = "fundus_unet.runs.join_training"
END = "end"
"""What the first process tells the others where it needs them no more; without it, it was killed."""
PATIENCE = 20.0
"""Seconds for this process to notice by itself that another has ended; on a GPU it may wait for it for ever."""


class StartedProcesses:
    """Others that run the training `plan` together with this process.

    Each reads the plan from its input, which stays open: where it ends, so has this process, and so does the other.

    Args:
        count: How many.
        address, port: Where this process, or the first one of another machine, waits for them.
        node: The number of this machine.
        give_up: Is told which process ended and how, where this one does not notice; has to end it.
    """

    def __init__(
        self,
        plan: Mapping[str, Any],
        count: int,
        address: str,
        port: int,
        node: int,
        give_up: Callable[[str], None],
    ) -> None:
        self.give_up = give_up
        self.ended: str | None = None
        """Which one ended before its time, and how."""
        self._over = False
        self._said: list[deque[str]] = []
        self._processes: list[subprocess.Popen[str]] = []
        paths = os.pathsep.join(os.path.abspath(path) for path in sys.path if path)
        shared = {"MASTER_ADDR": address, "MASTER_PORT": str(port), "NODE_RANK": str(node), "PYTHONPATH": paths}
        for number in range(1, count + 1):
            own = {NUMBER: str(number), "LOCAL_RANK": str(number), "TORCH_CPP_LOG_LEVEL": "ERROR"}
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE],
                env={**os.environ, **shared, **own},
                stdin=subprocess.PIPE,
                # where this process is killed, one of them says so on its screen
                stdout=2 if number == 1 else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            self._processes.append(process)
            with contextlib.suppress(BrokenPipeError):  # it has ended, which is noticed below
                self._input_of(process, json.dumps(plan))
            self._said.append(deque(maxlen=20))
            threading.Thread(target=self._said[-1].extend, args=(process.stderr,), daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self, *, orderly: bool) -> None:
        """End them and wait for their end.

        Args:
            orderly: Whether they have done all that they had to do, and end by themselves.
        """
        self._over = True
        for process in self._processes:
            with contextlib.suppress(OSError, ValueError):  # it has ended, or was told before
                self._input_of(process, END)
        for process in self._processes:
            if not orderly:
                process.kill()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            with contextlib.suppress(OSError):
                process.stdin.close()  # type: ignore[union-attr]

    def find_ended(self, seconds: float) -> str | None:
        """`ended`, for which is waited so long."""
        until = time.monotonic() + seconds
        while self.ended is None and time.monotonic() < until:
            self._look()
            time.sleep(0.05)
        return self.ended

    @staticmethod
    def _input_of(process: "subprocess.Popen[str]", line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(f"{line}\n")
        process.stdin.flush()

    def _watch(self) -> None:
        while not self._over and self.ended is None:
            time.sleep(0.2)
            self._look()
        until = time.monotonic() + PATIENCE
        while not self._over:
            if time.monotonic() > until:
                self.give_up(str(self.ended))
            time.sleep(0.2)

    def _look(self) -> None:
        for number, process in enumerate(self._processes):
            code = process.poll()
            if code is not None and not self._over and self.ended is None:
                time.sleep(0.2)  # for its last words
                words = " ".join("".join(self._said[number]).split("\n")).strip() if code > 0 else ""
                told = f"process {number + 2} of {len(self._processes) + 1} on this machine {_how(code)}"
                self.ended = f"{told}: {words[-500:]}" if words else told


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was ended by {signal.Signals(-code).name}"
    return f"was ended by signal {-code}"
