"""Commands in processes of their own, as launchers need them: their workers keep the folder that they began in."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from running import ROOT, TINY

DATA = ("data=chasedb1", "paths.data_dir=sets", *TINY)
LONGEST = 300.0  # seconds


def started(folder: Path, name: str, *arguments: str) -> "subprocess.Popen[str]":
    """A script, running in `folder`; what it prints goes to `out.txt` there."""
    with (folder / "out.txt").open("a") as out:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *arguments],
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def ended(folder: Path, name: str, *arguments: str, code: int = 0) -> str:
    """What a script printed, once it has ended with that code."""
    (folder / "out.txt").unlink(missing_ok=True)
    process = started(folder, name, *arguments)
    try:
        returned = process.wait(LONGEST)
    finally:
        process.kill()
    out = (folder / "out.txt").read_text()
    assert returned == code, out
    return out


def killed_when(process: "subprocess.Popen[str]", sign: Callable[[], bool], number: int = signal.SIGKILL) -> int:
    """Send a signal as soon as `sign` is there; returns the code that the process ended with."""
    until(lambda: sign() or process.poll() is not None)
    assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(number)
    return process.wait(LONGEST)


def until(sign: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not sign():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def runs_in(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob("*/config.yaml"))
