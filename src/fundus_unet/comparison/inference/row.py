"""One line of the result: a backend at one image size."""

from dataclasses import asdict, dataclass
from typing import Any

from fundus_unet.comparison.speed.row import FAILED, MEASURED, one_line


@dataclass
class Row:
    """What was measured; None is what was not, or cannot be.

    Args:
        size: The side of the square image.
        status: `failed` where there are no times; `reason` then tells why, else what else is missing.

    Units:
        seconds of one image, from the working image to the probability map; `speedup` is the reference's time over
        this one in the same round, median and quartiles; `share_of_matrix_rate` counts the operations that the
        image's own pixels need, not those of tiles that overlap; memory in bytes, the growth of the process to its
        peak.
    """

    backend: str
    dtype: str
    device: str
    size: int
    status: str = MEASURED
    reason: str | None = None
    median_seconds: float | None = None
    lower_quartile_seconds: float | None = None
    upper_quartile_seconds: float | None = None
    rounds: int | None = None
    nanoseconds_per_pixel: float | None = None
    speedup: float | None = None
    speedup_lower_quartile: float | None = None
    speedup_upper_quartile: float | None = None
    share_of_matrix_rate: float | None = None
    process_memory_bytes: int | None = None
    accelerator_memory_bytes: int | None = None

    def fail(self, error: Exception) -> None:
        """Say why there are no times."""
        self.status, self.reason = FAILED, one_line(error)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)
