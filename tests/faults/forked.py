"""Scripts in processes of their own, without the seconds that importing takes: forked from one that has imported.

The parent must not have used torch's threads before, so it runs nothing itself.
"""

import os
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fundus_unet.commands.program import run_command
from fundus_unet.core.interruption import INTERRUPTED
from running import ROOT

KILLED_AFTER = 300  # seconds; nothing here takes longer than a tenth of it


@dataclass
class Process:
    """A script that runs in its own process group; `code` is negative where a signal ended it, as with subprocess."""

    pid: int
    output: Path
    writer: subprocess.Popen[bytes]
    code: int | None = None

    @property
    def told(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def send(self, number: int, group: bool) -> None:
        if self.poll() is None:
            (os.killpg if group else os.kill)(self.pid, number)

    def send_to_another(self, number: int) -> None:
        """To the last python process that it has started and that is still there; to none, where there is none."""
        children: list[int] = []
        for place in Path(f"/proc/{self.pid}/task").glob("*/children"):
            with suppress(OSError):
                children += map(int, place.read_text().split())
        for child in sorted(children, reverse=True):
            with suppress(OSError):
                if b"python" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(child, number)
                    return

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                with suppress(subprocess.TimeoutExpired):  # others that it started may hold the pipe
                    self.writer.wait(2)
        return self.code

    def wait(self, seconds: float = KILLED_AFTER) -> int | None:
        """The exit code; None, and the whole group is killed, where it hangs."""
        end = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > end:
                os.killpg(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                return None
            time.sleep(0.01)
        return self.code

    def wait_for(self, words: str, seconds: float = 60) -> bool:
        """Whether it told `words` before it ended."""
        end = time.monotonic() + seconds
        while words not in self.told:
            if self.poll() is not None or time.monotonic() > end:
                return words in self.told
            time.sleep(0.005)
        return True


def launch(folder: Path, script: str, *overrides: str, before: Callable[[], None] | None = None) -> Process:
    """Start `scripts/NAME.py OVERRIDES...` in a folder; `before` is called in the new process.

    What it tells goes through a pipe, so that no limit that `before` sets on files is one on that.
    """
    path = folder / "output.txt"
    read, told = os.pipe()
    with path.open("wb") as file:
        writer = subprocess.Popen(["cat"], stdin=read, stdout=file)
    pid = os.fork()
    if pid:
        os.close(read)
        os.close(told)
        return Process(pid, path, writer)
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        os.close(read)
        os.dup2(told, 1)
        os.dup2(told, 2)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
        sys.argv = [f"scripts/{script}.py", *overrides]
        os.environ["COLUMNS"] = "300"
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if before is not None:
            before()
        code = 0
        runpy.run_path(str(ROOT / "scripts" / f"{script}.py"), run_name="__main__")
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException as error:
        begun = any(frame.name == run_command.__name__ for frame in traceback.extract_tb(error.__traceback__))
        if isinstance(error, KeyboardInterrupt) and not begun:  # Python itself was still starting
            code = INTERRUPTED
        else:
            traceback.print_exc()
            code = 1
    finally:  # whatever happens, this is the parent's code no further
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
