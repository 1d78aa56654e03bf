"""Which images a published set learns from, by content, without the set: from the checksums that are in the project."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from fundus_unet.data.download.checksums import published
from fundus_unet.data.sets import chasedb1, hrf

_MODULES = {f"{module.__name__}.{name}": module for module, name in ((chasedb1, "ChaseDB1"), (hrf, "HRF"))}


def learned_as_published(source: Mapping[str, Any]) -> frozenset[str]:
    """SHA-256 of the images for training and validation of a data set, given as the configuration of its class.

    None are known of a set or split without published sums.
    """
    module = _MODULES.get(str(source["_target_"]))
    names = module.SPLITS.get(source.get("split", "")) if module else None
    if module is None or names is None:
        return frozenset()
    learned = {*names.train, *names.val}
    sums = {
        PurePosixPath(path).stem: digest
        for path, digest in published(module.ORIGIN.folders[0]).items()
        if path.lower().endswith(".jpg")
    }
    return frozenset(sums[name] for name in learned) if learned <= sums.keys() else frozenset()
