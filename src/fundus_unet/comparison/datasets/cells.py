"""One cell of the matrix: a network scored on the images of a column."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
from fundus_unet.inference.vessel_scale import VesselScale
from fundus_unet.runs.first_look import vessel_scale

AUTO, DIAMETER, ANGLE = ("auto", "diameter", "angle")


@dataclass(frozen=True)
class Conditions:
    """How all cells are computed.

    Args:
        match: What an image has in common with those that a network was trained on: `diameter`, of the field of view in
            working pixels; `angle`, of view in a working pixel, where the angles of both sets are known; or `auto`, the
            calibre of the vessels where predict goes by it, else `diameter`.
        angles: In degrees, by the name of a set.
    """

    device: torch.device
    tta: str
    kept: KeptCounts
    match: str = AUTO
    angles: Mapping[str, float] = field(default_factory=dict)

    def vessel_calibre(self, network: Network, digest: str) -> float | None:
        """That an image's vessels are brought to; None where its field-of-view diameter is known, or counts alone.

        Args:
            digest: SHA-256 of the image.
        """
        return (
            network.model.facts.vessel_calibre if self.match == AUTO and digest not in network.own_diameters else None
        )

    def fov_diameter(self, network: Network, name: str, digest: str) -> float:
        """The field-of-view diameter that a network is given an image at, in working pixels.

        An image of a set that a mixture has a diameter of its own for is given at that one.

        Args:
            name: Of the image's set.
            digest: SHA-256 of the image.
        """
        if digest in network.own_diameters:
            return network.own_diameters[digest]
        shown, known = self.angles.get(name), self.angles.get(network.model.facts.trained_on.data)
        if self.match != ANGLE or shown is None or known is None:
            return network.fov_diameter
        return network.fov_diameter * shown / known


def is_kept(network: Network, column: Column, conditions: Conditions) -> bool:
    """Whether every image of a cell seems to be counted already."""
    return all(conditions.kept.has(_identity(network, column, case.name, conditions)) for case in column.cases)


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
    evaluation = Evaluation(network.model.facts.masks)
    predictor: Predictor | None = None
    first_look: VesselScale | None = None
    diameters = set()
    for number, case in enumerate(column.cases, 1):
        identity = _identity(network, column, case.name, conditions)
        diameter = identity["fov_diameter"]
        diameters.add(diameter)
        counts = conditions.kept.read(identity)
        if counts is None:
            doing(f"image {number} of {len(column.cases)}: {case.name}")
            if predictor is None:
                facts = network.model.facts
                predictor = network.model.predictor(conditions.device, facts.precision, None, conditions.tta)
                first_look = vessel_scale(network.model, conditions.device, facts.precision, None)
            sample = decode(case, Preprocessor(fov_diameter=diameter))
            if first_look is not None and "vessel_calibre" in identity:
                sample = decode(case, Preprocessor(fov_diameter=first_look.diameter(sample.working)))
            probability = predictor.probability(sample.working, sample.field_of_view)
            counts = counts_of(sample, probability, network.model.facts.masks)
            conditions.kept.write(identity, counts)
        evaluation.add_counts(case.name, counts)
    return evaluation, sorted(diameters)


def _identity(network: Network, column: Column, case: str, conditions: Conditions) -> dict[str, Any]:
    """All that the counts of an image depend on."""
    facts, files = network.model.facts, column.images.files[case]
    hysteresis = {} if facts.hysteresis is None else {"hysteresis": facts.hysteresis.model_dump()}
    calibre = conditions.vessel_calibre(network, files["image"])
    return {
        **({} if calibre is None else {"vessel_calibre": calibre}),
        "version": __version__,
        "network": network.model.fingerprint,
        "model": facts.model,
        "threshold": facts.threshold,
        **hysteresis,
        "precision": facts.precision,
        "device": conditions.device.type,
        "tta": conditions.tta,
        "fov_diameter": conditions.fov_diameter(network, column.images.name, files["image"]),
        "files": dict(files),
    }
