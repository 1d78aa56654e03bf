"""Read an image that nobody labelled, and find out what it can be trusted for."""

from dataclasses import dataclass, replace

import numpy as np

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.decoding import MAX_PIXELS
from fundus_unet.data.images.field_of_view import estimate_field_of_view, field_of_view_diameter
from fundus_unet.data.images.preprocessing import Preprocessor, WorkingImage
from fundus_unet.data.images.reading import read_first_frame
from fundus_unet.inference.image_quality import quality_warnings
from fundus_unet.inference.inspected_image import InspectedImage
from fundus_unet.inference.sources import Source

LEAST_SIDE = 32


@dataclass(frozen=True)
class NewImage:
    """A decoded image, ready for the network.

    Shapes:
        `image` uint8 (H, W, 3) RGB; `field_of_view` bool (H, W).

    Units:
        `scale` in working pixels per original pixel; `fov_diameter` in original pixels. `warnings` say why a
        prediction may be worth little.
    """

    source: Source
    image: np.ndarray
    field_of_view: np.ndarray
    fov_diameter: float
    working: WorkingImage
    scale: float
    warnings: tuple[str, ...]


def read_new_image(source: Source, preprocessor: Preprocessor) -> NewImage:
    """Read an image, find its field of view, and bring it to the working resolution.

    Raises:
        InputError: For a file that cannot be read, has no content, or is too small or too large; and whatever is
            known of the source already.
    """
    if source.problem is not None:
        raise source.problem
    image, left_out = read_first_frame(source.path)
    sample = prepare_new_image(source, image, preprocessor)
    if not left_out:
        return sample
    return replace(sample, warnings=(f"only the first of its {left_out + 1} frames was predicted", *sample.warnings))


def prepare_new_image(source: Source, image: np.ndarray, preprocessor: Preprocessor) -> NewImage:
    """As `read_new_image`, for an image that is there already: uint8 (H, W, 3), RGB."""
    height, width = image.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise InputError(
            f"{source.path} is too small",
            expected=f"at least {LEAST_SIDE} x {LEAST_SIDE} pixels",
            got=f"{width} x {height}",
        )
    if (image[::16, ::16] == image[0, 0]).all() and (image == image[0, 0]).all():  # the first is nearly always enough
        raise InputError(f"{source.path} is empty: every pixel is {image[0, 0].tolist()}", expected="an image")
    field_of_view = estimate_field_of_view(image)
    rows, columns = preprocessor.working_size(field_of_view)
    if rows * columns > MAX_PIXELS:
        raise InputError(
            f"{source.path} would be too large at this scale",
            expected=f"at most {MAX_PIXELS:,} pixels at working resolution",
            got=f"{columns} x {rows}",
            fix="set a smaller scale",
        )
    working = preprocessor.prepare(image, field_of_view, (rows, columns))
    diameter, scale = field_of_view_diameter(field_of_view), rows / height
    inspected = InspectedImage.of(working, diameter * scale)
    warnings = quality_warnings(inspected, bool(field_of_view.all()))
    return NewImage(source, image, field_of_view, diameter, working, scale, tuple(warnings))
