"""`curves.csv` of a run: every logged value on a line of its own, for whoever draws curves without TensorBoard."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import append_lines, csv_line, read_bytes, write_text

CURVES = "curves.csv"
HEADER = "step,name,value"
LARGEST = 2**30  # bytes


class CurvesFile(Logger):
    """Writes lines `step,name,value` into the run directory; `pandas.read_csv(...).pivot_table` makes columns of them.

    A resumed training replaces what its last session did after its last whole epoch.

    Args:
        save_dir: The run directory.
    """

    def __init__(self, save_dir: str | Path) -> None:
        super().__init__()
        self.path = Path(save_dir) / CURVES
        self._continued = False

    @property
    def name(self) -> str:
        return ""

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        number = step or 0
        try:
            if not self._continued:
                self._begin(number)
            values = {name: float(value) for name, value in metrics.items() if name != "epoch"}
            append_lines(self.path, [csv_line([number, name, value]) for name, value in values.items()])
        except OSError as error:
            raise InputError(
                f"{self.path} cannot be written: {error.strerror or error}",
                expected="room and the permission to write",
                fix="make room, then continue the run",
            ) from error

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """The run has its `config.yaml`."""

    def _begin(self, step: int) -> None:
        """Keep what was logged before `step`, which is logged next."""
        before: list[str] = []
        if self.path.exists():
            lines = read_bytes(self.path, LARGEST).decode(errors="replace").split("\n")[1:-1]
            before = [line for line in lines if (number := line.partition(",")[0]).isdigit() and int(number) < step]
        write_text(self.path, "".join(f"{line}\n" for line in (HEADER, *before)))
        self._continued = True
