"""SIGTERM as it was before a training: Lightning would send it on from inside a signal handler, and wait for ever."""

import signal
import threading
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer


class SignalsAsBefore(Callback):
    """Leaves SIGTERM to whoever handled it when the training began.

    Lightning's own handler tells the other processes of it by a broadcast. Where the signal comes while they are at
    another collective operation, none of them goes on.
    """

    def __init__(self) -> None:
        self._handler: Any = signal.SIG_DFL

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._handler = signal.getsignal(signal.SIGTERM)

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._put_back()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._put_back()

    def _put_back(self) -> None:
        if threading.current_thread() is threading.main_thread() and self._handler is not None:
            signal.signal(signal.SIGTERM, self._handler)
