"""How many images per second reading, network and writing each would do alone."""

from threading import Lock

READING, NETWORK, WRITING = "reading", "network", "writing"


class StageRates:
    """Adds up what each stage costs; called from any thread.

    Args:
        threads: That work at each stage at the same time. The network has one, whose operations share the cores.
    """

    def __init__(self, reading: int = 1, writing: int = 1) -> None:
        self._threads = {READING: reading, NETWORK: 1, WRITING: writing}
        self._seconds = dict.fromkeys(self._threads, 0.0)
        self._images = dict.fromkeys(self._threads, 0)
        self._lock = Lock()

    def add(self, stage: str, seconds: float, images: int = 1) -> None:
        """What `images` cost one thread of a stage."""
        with self._lock:
            self._seconds[stage] += seconds
            self._images[stage] += images

    def rates(self) -> dict[str, float]:
        """Images per second of every stage, as if it had the machine for itself; empty before all have had an image."""
        if not all(self._images.values()):
            return {}
        return {
            stage: threads * self._images[stage] / max(self._seconds[stage], 1e-9)
            for stage, threads in self._threads.items()
        }

    def describe(self) -> str:
        """In words, with the slowest marked; nothing where there are no rates."""
        rates = self.rates()
        slowest = min(rates, key=lambda stage: rates[stage], default="")
        parts = (f"{stage} {rate:.3g}{' (slowest)' * (stage == slowest)}" for stage, rate in rates.items())
        return f"{', '.join(parts)} images/s alone" if rates else ""
