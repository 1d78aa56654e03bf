"""The field-of-view diameter that a run's network was trained at: what makes images of any camera like its own."""

import statistics

import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.data.case import Case
from fundus_unet.data.images.decoding import size_of
from fundus_unet.data.images.field_of_view import estimate_field_of_view, field_of_view_diameter
from fundus_unet.data.images.reading import read_image, read_mask
from fundus_unet.runs.data_record import digests
from fundus_unet.runs.data_splits import splits_of
from fundus_unet.runs.run_directory import RunDirectory

MOST_MEASURED = 32
"""Images, evenly spaced over those of training: the cameras of a set differ little."""


def trained_diameter(run: RunDirectory) -> float:
    """The diameter that the field of view has in the images that a run's network was trained on.

    A run with `data.fov_diameter` says it. One with `data.scale` was trained at whatever diameter its images have at
    that scale: the median over its training images is taken, a case's own diameter where it has one. Brought to this
    diameter, images of another set have vessels about as wide as those that the network knows; at the run's scale they
    would not, wherever the two cameras differ in resolution. Angles of view are not known: between cameras of 30 and of
    45 degrees a factor of 1.5 in width is left.

    Units:
        working pixels.

    Raises:
        InputError: Where the training images are needed and cannot be read.
    """
    data = run.config.data
    if data.fov_diameter is not None:
        return float(data.fov_diameter)
    cases = splits_of(data, trusted=False).train
    if not cases:
        raise InputError(f"the run {run.path} has no training images to tell its field-of-view diameter from")
    measured = cases[:: -(-len(cases) // MOST_MEASURED)]
    return statistics.median(
        case.fov_diameter or float(data.scale) * field_of_view_diameter(_field_of_view(case)) for case in measured
    )


def own_diameters(run: RunDirectory) -> dict[str, float]:
    """The diameters of images that a run brings to one of their own, as mixtures do, by the SHA-256 of the image.

    Raises:
        InputError: Where such a run's images are not there.
    """
    if "sets" not in run.config.data.source:
        return {}
    splits = splits_of(run.config.data, trusted=False)
    cases = (*splits.train, *splits.val, *splits.test)
    files = digests(cases, "train")
    return {files[case.name]["image"]: case.fov_diameter for case in cases if case.fov_diameter is not None}


def _field_of_view(case: Case) -> np.ndarray:
    if case.mask is not None:
        return read_mask(case.mask, size_of(case.image))
    return estimate_field_of_view(read_image(case.image))
