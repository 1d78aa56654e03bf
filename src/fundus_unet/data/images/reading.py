"""Read images, vessel labels and field-of-view masks from files into arrays."""

from functools import reduce
from pathlib import Path

import numpy as np
from PIL import Image

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.decoding import decode
from fundus_unet.data.images.dicom import FRAMES_LEFT_OUT
from fundus_unet.data.images.vessel_codes import coloured_vessels

_WIDE_GREY = ("I", "I;16", "I;16L", "I;16B", "I;16N")
_RAW_GREY = ("1", "L", "F", *_WIDE_GREY)
_WHITES = (1, 255, 65535)
_LOSSY = ("JPEG", "MPO", "WEBP")


def read_image(path: str | Path) -> np.ndarray:
    """Read an image as RGB, whatever its file's colour mode.

    Shapes:
        (H, W, 3) uint8.

    Units:
        0 to 255; 16-bit grey is divided by 257, so that 65535 becomes 255. Transparency is laid on black, the
        colour around a field of view.

    Raises:
        InputError: That names the file where it is absent, empty, truncated, too large or has no known range.
    """
    return read_first_frame(path)[0]


def read_first_frame(path: str | Path) -> tuple[np.ndarray, int]:
    """As `read_image`, with how many frames of a DICOM file come after the one that is read."""
    image = decode(path)
    return _rgb(image, Path(path)), image.info.get(FRAMES_LEFT_OUT, 0)


def read_label(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a vessel label, black and white or an artery/vein map; a label that leaves any doubt is an error.

    Shapes:
        (H, W) uint8 in {0, 1}, 1 is vessel; `shape` is the (H, W) of the image.

    Raises:
        InputError: That names the file where its size is not `shape`, it holds grey values or colours of no known
            meaning, or all of it is vessel or none.
    """
    return _label(path, shape)[0]


def count_label_classes(path: str | Path, shape: tuple[int, int]) -> dict[str, int]:
    """How many pixels of a label are of each class: `vessel`, or those of an artery/vein map.

    The classes of a map are `artery`, `vein`, `crossing` and `unknown kind`; together they are all the vessels that
    `read_label` gives. Raises as that.
    """
    return _label(path, shape)[1]


def _label(path: str | Path, shape: tuple[int, int]) -> tuple[np.ndarray, dict[str, int]]:
    path = Path(path)
    image = decode(path)
    _check_shape("label", path, image, shape)
    values = _grey(image, path)
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            vessel, classes = coloured_vessels(values, path, _how_to_save(image.format))
            return vessel.astype(np.uint8), classes
        values = values[..., 0]
    white = values.max()
    vessel = values == white
    if white not in (0, *_WHITES) or not (vessel | (values == 0)).all():
        raise _grey_label(path, image.format, values)
    if vessel.all():
        raise InputError(
            f"the label {path} has no {'vessel' if white == 0 else 'background'}",
            expected="two values: 0 for background and 255 (or 1) for vessel",
            got=f"all {values.size} pixels are {white:g}",
            fix="replace the label"
            + (": it may have been saved empty" if white == 0 else ": it may be a field-of-view mask, or inverted"),
        )
    return vessel.astype(np.uint8), {"vessel": int(vessel.sum())}


def read_mask(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a field-of-view mask; values between black and white are cut at half of the range.

    Shapes:
        (H, W) bool, True inside the field of view; `shape` is the (H, W) of the image.

    Raises:
        InputError: That names the file where its size is not `shape` or nothing is inside.
    """
    path = Path(path)
    image = decode(path)
    _check_shape("field-of-view mask", path, image, shape)
    values = _grey(image, path)
    if values.ndim == 3:
        values = reduce(np.maximum, np.moveaxis(values, 2, 0))  # ten times as fast as the maximum along the last axis
    brightest = values.max()
    white = next((white for white in _WHITES if brightest <= white), brightest)
    mask: np.ndarray = values > white / 2
    if not mask.any():
        raise InputError(
            f"the field-of-view mask {path} is empty",
            expected=f"some pixels above half of {white:g}",
            got=f"the brightest of {values.size} pixels is {brightest:g}",
            fix="replace the mask, or remove it to have the field of view estimated from the image",
        )
    return mask


def _rgb(image: Image.Image, path: Path) -> np.ndarray:
    if image.mode in _WIDE_GREY:
        wide = np.asarray(image).astype(np.int64)
        if wide.min() < 0 or wide.max() > 65535:
            raise _unknown_range(path, f"integers from {wide.min()} to {wide.max()}")
        return np.repeat(((wide + 128) // 257).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise _unknown_range(path, "floating-point values")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))  # which copies, whatever the mode


def _grey(image: Image.Image, path: Path) -> np.ndarray:
    """(H, W) as stored where the file is grey, since a 16-bit label may well count 0, 1; else (H, W, 3)."""
    if image.mode not in _RAW_GREY:
        return _rgb(image, path)
    return np.asarray(image, dtype=np.uint8 if image.mode == "1" else None)


def _unknown_range(path: Path, got: str) -> InputError:
    return InputError(
        f"{path} has no known range of brightness",
        expected="8-bit colour or grey, or 16-bit grey",
        got=got,
        fix="convert it to an 8-bit PNG",
    )


def _check_shape(kind: str, path: Path, image: Image.Image, shape: tuple[int, int]) -> None:
    if (image.height, image.width) != tuple(shape):
        raise InputError(
            f"the {kind} {path} has another size than its image",
            expected=f"{shape[1]} x {shape[0]} pixels (width x height)",
            got=f"{image.width} x {image.height}",
            fix="check that both belong to one image and that neither was scaled, cropped or turned",
        )


def _grey_label(path: Path, file_format: str | None, values: np.ndarray) -> InputError:
    levels, counts = np.unique(values, return_counts=True)
    white = next((white for white in _WHITES if levels[-1] <= white), levels[-1])
    between = int(counts[~np.isin(levels, (0, white))].sum())
    shown = ", ".join(f"{level:g}" for level in levels[:6]) + (", ..." if len(levels) > 6 else "")
    return InputError(
        f"the label {path} holds values that are neither background nor vessel",
        expected="two values: 0 for background and 255 (or 1) for vessel",
        got=f"{len(levels)} values ({shown}); {between} of {values.size} pixels ({between / values.size:.1%}) "
        f"are neither 0 nor {white:g}",
        fix=_how_to_save(file_format),
    )


def _how_to_save(file_format: str | None) -> str:
    if file_format in _LOSSY:
        return (
            f"{file_format} changes values when it compresses: export the label from its origin as PNG, or threshold "
            "this one at half and look at the result"
        )
    return "save the vessels alone as white on black, in a PNG; where grey is only smoothing, threshold it first"
