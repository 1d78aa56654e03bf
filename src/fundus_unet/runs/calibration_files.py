"""The files of an evaluation that say how far its probabilities can be taken at their word."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from torch import Tensor

from fundus_unet.core.files import write_bytes, write_csv
from fundus_unet.drawing.png import png_bytes
from fundus_unet.drawing.reliability_diagram import reliability_diagram
from fundus_unet.metrics.calibration import calibration_bins, expected_calibration_error

TABLE, FIGURE = "calibration.csv", "calibration.png"
DIGITS = 6
"""After the point: the histogram has no more."""


def write_calibration(folder: Path, histogram: Tensor, images: str, thresholds: Mapping[str, float]) -> None:
    """Write calibration.csv, a line per bin of probability, and calibration.png, the reliability diagram.

    Args:
        images: What they are of, for the title.
        thresholds: That the diagram marks, by what they are called.

    Shapes:
        histogram (2, BINS).

    Raises:
        InputError: Where the histogram is empty; `OSError` where they cannot be written.
    """
    bins = calibration_bins(histogram)
    rows = [asdict(one) | {"error": one.error} for one in bins]
    # a bin without pixels has empty cells, not "nan"
    table = [{key: None if value != value else round(value, DIGITS) for key, value in row.items()} for row in rows]
    write_csv(folder / TABLE, table)
    figure = reliability_diagram(
        [*(one.low for one in bins), bins[-1].high],
        [one.mean_probability for one in bins],
        [one.vessel_fraction for one in bins],
        [one.pixels for one in bins],
        f"{images}, in the field of view\nECE {expected_calibration_error(histogram):.4f}",
        thresholds,
    )
    write_bytes(folder / FIGURE, png_bytes(figure, optimize=False), durable=False)
