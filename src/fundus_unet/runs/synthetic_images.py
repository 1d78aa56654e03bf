"""Where a run's synthetic images are generated, if they are not there: a run chooses no place to write."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from fundus_unet.data.sets.synthetic import Synthetic
from fundus_unet.runs.build import build


def keep_synthetic_inside(source: DictConfig, folder: Callable[[], Path]) -> None:
    """Give every synthetic set at or below a checked data source, whose images are not at its root, another root.

    Images that are there are read where they are.

    Args:
        folder: Gives the place that may be written to; it is asked only where images are missing.

    Raises:
        InputError: Where there is none.
    """
    for node in _synthetic(source):
        if not build(node, trusted=False).is_there():
            node.root = str(folder())


def _synthetic(node: Any) -> Iterator[DictConfig]:
    if isinstance(node, DictConfig):
        if node.get("_target_") == f"{Synthetic.__module__}.{Synthetic.__name__}":
            yield node
        for name in node:
            yield from _synthetic(node[name])
