"""Report on what the comparisons found."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from fundus_unet.comparison.report.compose import write_report
from fundus_unet.comparison.report.predictions import PredictionSettings


def report_from_config(config: DictConfig) -> dict[str, Any]:
    """Entry of the command `report`; returns what report.json holds.

    Raises:
        InputError: Where the directory holds no result, or one that cannot be read.
    """
    settings = PredictionSettings(config.images, config.show_images, config.device, config.paths.data_dir)
    return write_report(Path(config.dir).resolve(), config.title, settings, Console())
