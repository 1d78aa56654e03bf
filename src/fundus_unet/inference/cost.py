"""What an image costs, whatever else the machine does meanwhile."""

import time

import torch

CPU = torch.device("cpu")


class Cost:
    """A clock that runs while the thread that made it works on `device`.

    On the CPU it is the thread's processor time: waiting for a core, for the disk or for other threads does not count,
    and torch's other threads, which work at the same time as this one, count once. On an accelerator, for which the
    thread waits, it is the time that passes.
    """

    def __init__(self, device: torch.device = CPU) -> None:
        self._clock = time.thread_time if device.type == "cpu" else time.perf_counter
        self._start = self._clock()

    def seconds(self) -> float:
        """Since it was made; to be asked by the same thread."""
        return self._clock() - self._start
