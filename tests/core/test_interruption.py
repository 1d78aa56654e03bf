"""SIGTERM is Ctrl-C; children leave both to their parent; whoever was there before is there again."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.core.interruption import interruptible, interruption_requested, together


@pytest.fixture
def usual() -> Iterator[None]:
    """The handlers of a process that a person starts, whatever started this one."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_once_and_the_handlers_come_back(usual: None, number: int) -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():
        os.kill(os.getpid(), number)
    assert interruption_requested()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_ctrl_c_that_was_switched_off_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_forked_child_ignores_both(usual: None) -> None:
    with interruptible():
        pid = os.fork()
        if not pid:
            code = 1
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                os.kill(os.getpid(), signal.SIGINT)
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_processes_that_lose_each_other_end_with_a_message() -> None:
    with pytest.raises(InputError, match="another of the processes ended"), together():
        raise RuntimeError("Connection closed by peer")


def test_a_worker_tells_all_but_a_broken_pipe(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from fundus_unet.data.patches.datamodule import _send_quietly

    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    _send_quietly(0)
    sys.excepthook(ConnectionResetError, ConnectionResetError(104, "reset"), None)
    assert capsys.readouterr().err == ""
    sys.excepthook(ValueError, ValueError("bad"), None)
    assert "bad" in capsys.readouterr().err
