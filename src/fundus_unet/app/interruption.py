"""Ctrl-C and SIGTERM: one way to stop, which leaves everything that was written whole."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

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


def end_with_parent() -> None:
    """Have this process end, at the latest a second later, when the one that started it does, however that ends.

    A process that waits for another one would otherwise wait for ever where that was killed.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
