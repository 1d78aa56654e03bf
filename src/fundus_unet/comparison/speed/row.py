"""One line of the result: an upsampler under one set of conditions."""

from dataclasses import asdict, dataclass
from typing import Any

from fundus_unet.comparison.decoder_stages import DecoderStage
from fundus_unet.comparison.speed.conditions import Conditions
from fundus_unet.core.errors import InputError

MEASURED, FAILED = "measured", "failed"
LONGEST_REASON = 300


@dataclass
class Row:
    """What was measured; None is what was not, or cannot be.

    Args:
        stage: From 1, the decoder stage of the lowest resolution; None for a whole network.
        size: As channels and `output_size`, of what is measured, the layer or the network.
        status: `failed` where there are no times.
        reason: Then tells why, else what else is missing.

    Units:
        seconds of one step over the whole batch; bytes; `flops` per step; `ratio_to_control` is the time of this
        upsampler over the control's in the same round, median and quartiles over the rounds; `share_of_matrix_rate`
        is `flops / median_seconds` over the measured rate of matrix products.
    """

    upsampler: str
    level: str
    stage: int | None
    mode: str
    device: str
    dtype: str
    memory_format: str
    compiled: bool
    batch_size: int
    image_size: tuple[int, int]
    in_channels: int | None = None
    out_channels: int | None = None
    size: tuple[int, int] | None = None
    output_size: tuple[int, int] | None = None
    status: str = MEASURED
    reason: str | None = None
    median_seconds: float | None = None
    lower_quartile_seconds: float | None = None
    upper_quartile_seconds: float | None = None
    rounds: int | None = None
    images_per_second: float | None = None
    ratio_to_control: float | None = None
    ratio_lower_quartile: float | None = None
    ratio_upper_quartile: float | None = None
    flops: int | None = None
    parameters: int | None = None
    share_of_matrix_rate: float | None = None
    process_memory_bytes: int | None = None
    accelerator_memory_bytes: int | None = None

    @classmethod
    def empty(cls, upsampler: str, conditions: Conditions, stage: DecoderStage | None = None) -> "Row":
        """Before anything was measured."""
        row = cls(upsampler=upsampler, stage=stage.number if stage else None, **vars(conditions))
        if stage:
            row.in_channels, row.out_channels = stage.in_channels, stage.out_channels
            row.size, row.output_size = stage.size, stage.output_size
        return row

    def fail(self, error: Exception) -> None:
        """Say why there are no times."""
        self.status, self.reason = FAILED, one_line(error)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON: sizes are lists."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


def one_line(error: Exception) -> str:
    """What an error says, on one line and not too long."""
    if isinstance(error, InputError):
        return " ".join(error.problem.split())
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= LONGEST_REASON else f"{text[: LONGEST_REASON - 3]}..."
