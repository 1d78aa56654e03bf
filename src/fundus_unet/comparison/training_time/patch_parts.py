"""What decoding an image and making a patch cost, part by part."""

import copy
import statistics
import time
from collections import defaultdict
from typing import Any

import numpy as np
from torch.utils.data import default_collate

from fundus_unet.data.images.preprocessing import normalize
from fundus_unet.data.images.store import ImageStore, decode
from fundus_unet.data.patches.datamodule import FundusDataModule
from fundus_unet.data.patches.sampling import PatchDataset

DECODED, BATCHES = 4, 24
"""How many images and batches are made."""


def decoding_seconds(*stores: ImageStore) -> float:
    """Median seconds of reading, decoding and resizing an image with its label and field of view."""
    cases = [(case, store.preprocessor) for store in stores for case in store.cases]
    chosen = cases[:: max(1, len(cases) // DECODED)][:DECODED]
    return statistics.median(_seconds(decode, *one) for one in chosen)


def patch_seconds(datamodule: FundusDataModule) -> dict[str, float]:
    """Seconds per batch of patches, by part."""
    seconds: dict[str, float] = defaultdict(float)
    augmentation = copy.copy(datamodule.augmentation)
    for name, part in (("geometry", "geometric augmentation"), ("appearance", "colour augmentation")):
        if hasattr(augmentation, name):
            setattr(augmentation, name, _Timed(getattr(augmentation, name), seconds, part))
    size, count = datamodule.patch_size, datamodule.batch_size
    patches = PatchDataset(datamodule.train, augmentation, size, BATCHES * count, datamodule.seed)
    patches[0]  # the first takes longer
    seconds.clear()
    start = time.perf_counter()
    batches = [[patches[number * count + one] for one in range(count)] for number in range(BATCHES)]
    whole = time.perf_counter() - start
    parts = {part: spent / BATCHES for part, spent in seconds.items()}
    parts["normalization"] = count * _normalization_seconds(datamodule)
    parts["crop and the rest"] = max(0.0, whole / BATCHES - sum(parts.values()))
    parts["batch from patches"] = statistics.median(_seconds(default_collate, batch) for batch in batches)
    return parts


class _Timed:
    """A callable whose time is added up; all else is the callable's own."""

    def __init__(self, inner: Any, seconds: dict[str, float], part: str) -> None:
        self.inner, self.seconds, self.part = inner, seconds, part

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return self.inner(*arguments, **named)
        finally:
            self.seconds[self.part] += time.perf_counter() - start

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def _normalization_seconds(datamodule: FundusDataModule) -> float:
    size, working = datamodule.patch_size, datamodule.train[0].working
    image = np.zeros((size, size, 3), np.uint8)
    inside = np.ones((size, size), bool)
    return statistics.median(_seconds(normalize, image, inside, working.mean, working.std) for _ in range(BATCHES))


def _seconds(function: Any, *arguments: Any) -> float:
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start
