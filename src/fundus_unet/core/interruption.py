"""Ctrl-C and SIGTERM: one way to stop, which leaves everything that was written whole."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from fundus_unet.core.errors import InputError

INTERRUPTED = 130
"""The exit code after an interruption."""
_requested = False


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn SIGTERM into what Ctrl-C is, a `KeyboardInterrupt`; processes forked meanwhile leave both to this one.

    A second SIGTERM ends the process at once. A Ctrl-C that whoever started the process has switched off stays off.
    """
    global _requested
    _requested = False
    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread, and whoever runs it
        return
    process = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        global _requested
        if os.getpid() != process:
            return
        _requested = True
        if number == signal.SIGTERM:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if before[signal.SIGINT] is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    if before[signal.SIGTERM] is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interruption_requested() -> bool:
    """Whether a signal came: whatever is raised after that, the libraries it hit may have made another error of it."""
    return _requested


_STARTED_BY = "FUNDUS_UNET_STARTED_BY"


def start_others() -> None:
    """Say to the processes that this one is about to start, whose end is theirs too; in one of them, act on it.

    It ends, at the latest a second later, when this one does, however that ends: waiting for a process that was killed
    would take for ever.
    """
    if not is_started_by_another():
        os.environ[_STARTED_BY] = str(os.getpid())
        return

    _watch(lambda: os.getppid() != int(os.environ.get(_STARTED_BY) or os.getppid()))


_watching = False


def end_with_parent(parent: int | None = None) -> None:
    """Have this process end, at the latest a second later, when the one that started it does, however that ends.

    Args:
        parent: The number of that process, where it may have ended by now.
    """
    global _watching
    if not _watching:
        _watching, parent = True, parent or os.getppid()
        _watch(lambda: os.getppid() != parent)


def _watch(other_has_ended: Callable[[], bool]) -> None:
    def watch() -> None:
        while not other_has_ended():
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def together() -> Iterator[None]:
    """For what several processes do together: where one of them has ended, the others end without a traceback.

    Raises:
        InputError: In the first process; the others exit.
    """
    try:
        yield
    except RuntimeError as error:  # torch.distributed's, of many kinds
        if is_started_by_another():
            os._exit(1)  # the first one tells
        raise InputError(
            "another of the processes ended before its time",
            got=str(error).split("\n")[0][:200],
            fix="give the same command again: what is done is kept",
        ) from error


def is_started_by_another() -> bool:
    """Whether this process was started by one of its kind, to share the work."""
    return os.environ.get("LOCAL_RANK", "0") != "0"
