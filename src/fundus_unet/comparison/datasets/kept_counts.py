"""What was counted in single images, kept so that the same comparison goes on where it was stopped."""

import hashlib
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch

from fundus_unet.core.files import read_bytes, remove_partial_files, write_bytes
from fundus_unet.inference.evaluation import CountsByRegion
from fundus_unet.metrics.histogram import BINS
from fundus_unet.metrics.registry import Counts
from fundus_unet.metrics.topology import CentrelineOverlap

LARGEST = 2**26
FORMAT = 1
_DAMAGED = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    EOFError,
    BadZipFile,
    zlib.error,
)


class KeptCounts:
    """A folder of files, each the counts of one image by one network, named after what they depend on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        remove_partial_files(folder)

    def read(self, identity: Mapping[str, Any]) -> CountsByRegion | None:
        """What was written for the same identity; None where there is none, or it is damaged."""
        try:
            arrays = np.load(io.BytesIO(read_bytes(self._path(identity), LARGEST)), allow_pickle=False)
            facts = json.loads(arrays["facts"].tobytes())
            if facts["identity"] != _plain(identity):
                return None
            histograms = [torch.from_numpy(_checked(histogram)) for histogram in arrays["histograms"]]
            return {
                region: {rater: _counts(kept, histograms) for rater, kept in raters.items()}
                for region, raters in facts["counts"].items()
            }
        except _DAMAGED:
            return None

    def has(self, identity: Mapping[str, Any]) -> bool:
        """Whether there is a file for it, which may be damaged."""
        return self._path(identity).is_file()

    def write(self, identity: Mapping[str, Any], counts: CountsByRegion) -> None:
        """Keep them.

        Raises:
            OSError: Where they cannot be written.
        """
        histograms: list[np.ndarray] = []
        kept = {
            region: {
                rater: {
                    "histogram": _index(histograms, found.histogram.cpu().numpy()),
                    "threshold": found.threshold,
                    "overlap": asdict(found.overlap) if found.overlap else None,
                    "piece_error": found.piece_error,
                    "ranked": found.ranked,
                }
                for rater, found in raters.items()
            }
            for region, raters in counts.items()
        }
        facts = json.dumps({"identity": _plain(identity), "counts": kept}).encode()
        buffer = io.BytesIO()
        np.savez_compressed(buffer, facts=np.frombuffer(facts, np.uint8), histograms=np.stack(histograms))
        write_bytes(self._path(identity), buffer.getvalue(), durable=False)

    def _path(self, identity: Mapping[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(_plain(identity), sort_keys=True).encode()).hexdigest()[:32]
        return self.folder / f"{name}.npz"


def _plain(identity: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, **identity}))
    return found


def _index(histograms: list[np.ndarray], histogram: np.ndarray) -> int:
    """The place of a histogram among those that are kept; raters of one map share one."""
    for number, other in enumerate(histograms):
        if np.array_equal(other, histogram):
            return number
    histograms.append(histogram)
    return len(histograms) - 1


def _checked(histogram: np.ndarray) -> np.ndarray:
    if histogram.shape != (2, BINS) or histogram.dtype != np.int64 or histogram.min() < 0:
        raise ValueError("this is no histogram")
    return histogram


def _counts(kept: Mapping[str, Any], histograms: list[torch.Tensor]) -> Counts:
    overlap = CentrelineOverlap(**kept["overlap"]) if kept["overlap"] else None
    return Counts(histograms[kept["histogram"]], kept["threshold"], overlap, kept["piece_error"], kept["ranked"])
