"""What was counted in single images, kept so that the same comparison goes on where it was stopped."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch

from fundus_unet.core.files import read_bytes, remove_partial_files, write_bytes
from fundus_unet.data.images.decoding import MAX_PIXELS
from fundus_unet.inference.evaluation import MASKS_ALONE, NETWORK, NETWORK_VALIDATED, REGIONS, CountsByRegion
from fundus_unet.metrics.histogram import BINS
from fundus_unet.metrics.registry import Counts
from fundus_unet.metrics.topology import CentrelineOverlap

LARGEST = 2**26
FORMAT = 1


class KeptCounts:
    """A folder of files, each the counts of one image by one network, named after what they depend on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        remove_partial_files(folder)

    def read(self, identity: Mapping[str, Any]) -> CountsByRegion | None:
        """What was written for the same identity; None where there is none, or it is damaged."""
        try:
            return self._read(identity)
        except Exception:  # of many kinds, where somebody has changed the file: it is counted again
            return None

    def _read(self, identity: Mapping[str, Any]) -> CountsByRegion | None:
        data = read_bytes(self._path(identity), LARGEST)
        with ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > LARGEST:
                raise ValueError("it would be too large in memory")
        arrays = np.load(io.BytesIO(data), allow_pickle=False)
        facts = json.loads(arrays["facts"].tobytes())
        if facts["identity"] != _plain(identity):
            return None
        histograms = [torch.from_numpy(_checked(histogram)) for histogram in arrays["histograms"]]
        found = {
            region: {rater: _counts(rater, kept, histograms) for rater, kept in raters.items()}
            for region, raters in facts["counts"].items()
        }
        raters = set.union(*map(set, found.values()))
        if set(found) != set(REGIONS) or any(set(one) != raters for one in found.values()) or not _are_all(raters):
            raise ValueError("these are other regions or raters")
        return found

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
    if not 0 < histogram.sum(dtype=np.float64) <= MAX_PIXELS:
        raise ValueError("this is no histogram of an image")
    return histogram


def _counts(rater: str, kept: Mapping[str, Any], histograms: list[torch.Tensor]) -> Counts:
    threshold, overlap = kept["threshold"], kept["overlap"]
    if isinstance(threshold, bool) or not 0 <= threshold <= 1:
        raise ValueError("this is no threshold")
    if not all(type(count) is int and 0 <= count <= MAX_PIXELS for count in (*overlap.values(), kept["piece_error"])):
        raise ValueError("these are no counts")
    histogram = histograms[kept["histogram"]]
    ranked = rater not in MASKS_ALONE
    return Counts(histogram, threshold, CentrelineOverlap(**overlap), kept["piece_error"], ranked)


def _are_all(raters: set[str]) -> bool:
    return raters - set(MASKS_ALONE) == {NETWORK, NETWORK_VALIDATED}
