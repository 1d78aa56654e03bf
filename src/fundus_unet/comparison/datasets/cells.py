"""One cell of the matrix: a network scored on the images of a column."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from fundus_unet import __version__
from fundus_unet.comparison.datasets.image_sets import Column
from fundus_unet.comparison.datasets.kept_counts import KeptCounts
from fundus_unet.comparison.datasets.networks import Network
from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.store import decode
from fundus_unet.inference.evaluation import Evaluation, counts_of
from fundus_unet.inference.predictor import Predictor


@dataclass(frozen=True)
class Conditions:
    """How all cells are computed."""

    device: torch.device
    tta: str
    kept: KeptCounts


def is_kept(network: Network, column: Column, conditions: Conditions) -> bool:
    """Whether every image of a cell seems to be counted already."""
    files = (column.images.files[case.name] for case in column.cases)
    return all(conditions.kept.has(_identity(network, one, conditions)) for one in files)


def score_cell(
    network: Network, column: Column, conditions: Conditions, doing: Callable[[str], None]
) -> tuple[Evaluation, list[float]]:
    """Score every image, or take what was counted before.

    Args:
        doing: Told which image is at work.

    Returns:
        The evaluation, and the field-of-view diameters that the images were brought to.

    Raises:
        InputError: Where an image cannot be read.
    """
    evaluation = Evaluation(network.model.facts.threshold)
    predictor: Predictor | None = None
    diameters = set()
    for number, case in enumerate(column.cases, 1):
        files = column.images.files[case.name]
        diameter = network.diameter_of(files["image"])
        diameters.add(diameter)
        identity = _identity(network, files, conditions)
        counts = conditions.kept.read(identity)
        if counts is None:
            doing(f"image {number} of {len(column.cases)}: {case.name}")
            if predictor is None:
                facts = network.model.facts
                predictor = network.model.predictor(conditions.device, facts.precision, None, conditions.tta)
            sample = decode(case, Preprocessor(fov_diameter=diameter))
            probability = predictor.probability(sample.working, sample.field_of_view)
            counts = counts_of(sample, probability, network.model.facts.threshold)
            conditions.kept.write(identity, counts)
        evaluation.add_counts(case.name, counts)
    return evaluation, sorted(diameters)


def _identity(network: Network, files: Mapping[str, str], conditions: Conditions) -> dict[str, Any]:
    """All that the counts of an image depend on."""
    facts = network.model.facts
    return {
        "version": __version__,
        "network": network.model.fingerprint,
        "model": facts.model,
        "threshold": facts.threshold,
        "precision": facts.precision,
        "device": conditions.device.type,
        "tta": conditions.tta,
        "fov_diameter": network.diameter_of(files["image"]),
        "files": dict(files),
    }
