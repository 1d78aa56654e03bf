"""How long something took, on the wall and on the processors."""

import os
import time


class Stopwatch:
    """Starts when made.

    Processor time, unlike wall time, hardly depends on what else a machine does. It counts every thread of this
    process and the children that have ended.
    """

    def __init__(self) -> None:
        self.start = time.perf_counter(), _processor_seconds()

    def elapsed(self) -> dict[str, float]:
        """Units: seconds since the start, `wall_seconds` and `processor_seconds`."""
        wall, processor = self.start
        return {
            "wall_seconds": round(time.perf_counter() - wall, 1),
            "processor_seconds": round(_processor_seconds() - processor, 1),
        }


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
