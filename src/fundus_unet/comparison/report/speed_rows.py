"""Picking rows of `speed.json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class SpeedSetting:
    """One way to run whole networks; rows of one setting are comparable."""

    mode: str
    device: str
    dtype: str
    memory_format: str
    compiled: bool
    batch_size: int
    size: tuple[int, int]

    def describe(self) -> str:
        height, width = self.size
        how = "torch.compile" if self.compiled else "eager"
        return (
            f"{self.device.upper()}, {self.dtype}, {self.memory_format}, {how}, {self.batch_size} × {height} × {width}"
        )


def settings_of(speed: Mapping[str, Any], mode: str) -> list[SpeedSetting]:
    """The settings in which whole networks were timed, each once, in the order of the file."""
    found = (_setting(row) for row in speed["rows"] if row["level"] == "network" and row["mode"] == mode)
    return list(dict.fromkeys(found))


def network_rows(speed: Mapping[str, Any], setting: SpeedSetting) -> dict[str, Mapping[str, Any]]:
    """`{upsampler: row}` of the networks that could be timed in a setting."""
    rows = (row for row in speed["rows"] if row["level"] == "network" and _setting(row) == setting)
    return {row["upsampler"]: row for row in rows if row["median_seconds"] is not None}


def as_trained(speed: Mapping[str, Any], mode: str, precision: str) -> SpeedSetting | None:
    """The setting most like the training of the compared runs: its number format, channels_last, not compiled.

    Where several fit, the one with the larger batch; None where no network was timed in this mode.
    """
    dtype = "bfloat16" if precision.startswith("bf16") else "float32"
    settings = settings_of(speed, mode)
    return max(
        settings,
        key=lambda setting: (
            setting.dtype == dtype,
            setting.memory_format == "channels_last",
            not setting.compiled,
            setting.batch_size,
        ),
        default=None,
    )


def _setting(row: Mapping[str, Any]) -> SpeedSetting:
    return SpeedSetting(
        row["mode"],
        row["device"],
        row["dtype"],
        row["memory_format"],
        row["compiled"],
        row["batch_size"],
        (row["image_size"][0], row["image_size"][1]),
    )
