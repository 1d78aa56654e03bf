"""Pixels of DICOM files, as ophthalmic cameras write them; nothing else in the file is looked at, let alone kept.

What comes out is an image without a name or a date of anybody, and errors quote no value of the file, since either
could be a patient's. Only what is burnt into the pixels stays there.

Source:
    DICOM PS3.3 C.7.6.3 (image pixel module), PS3.5 A.4 (encapsulated frames) and G (run lengths).
"""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from fundus_unet.core.errors import InputError
from fundus_unet.core.invocation import PROGRAM
from fundus_unet.data.images.run_lengths import unpack_planes

FRAMES_LEFT_OUT = "frames left out"
_BEGIN, _MARK = 128, b"DICM"
_LARGEST_META = 2**16
_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_JPEG = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51")
_JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")
_RUN_LENGTHS = "1.2.840.10008.1.2.5"
_SYNTAXES = (*_UNCOMPRESSED, *_JPEG, *_JPEG_2000, _RUN_LENGTHS)
_TOMOGRAPHY = "1.2.840.10008.5.1.4.1.1.77.1.5.4"
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_TAGS = (
    "SOPClassUID",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "BitsAllocated",
    "BitsStored",
)
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
_READABLE = "a DICOM file with an 8-bit fundus image, grey or in colour; uncompressed, JPEG baseline, JPEG 2000 or RLE"


@dataclass(frozen=True)
class _Header:
    syntax: str
    height: int
    width: int
    frames: int
    samples: int
    colours: str
    by_planes: bool

    @property
    def pixels(self) -> int:
        return self.height * self.width


def is_dicom(begin: bytes) -> bool:
    """Whether a file begins as one that the standard describes."""
    return begin[_BEGIN : _BEGIN + len(_MARK)] == _MARK


def pixels_by_header(path: Path, file: BinaryIO) -> int:
    """Of one frame.

    Raises:
        InputError: As `decode_dicom`.
    """
    return _read(path, file, with_pixels=False)[0].pixels


def decode_dicom(path: Path, data: bytes, most_pixels: int) -> Image.Image:
    """The first frame; `info` has only how many more there are, by the name `FRAMES_LEFT_OUT`.

    Raises:
        InputError: For a file that is damaged, has no image or one of a kind that is not read, or has more pixels than
            `most_pixels`; and where pydicom is not installed.
    """
    header, packed = _read(path, io.BytesIO(data), with_pixels=True)
    if header.pixels > most_pixels:
        raise InputError(
            f"{path} is too large",
            expected=f"at most {most_pixels:,} pixels",
            got=f"{header.width} x {header.height} pixels",
            fix="crop it to the field of view or scale it down",
        )
    try:
        image = _frame(header, packed)
    except InputError:
        raise
    except Exception as error:  # of the decoders, any
        raise _damaged(path, error) from None
    if header.colours == "MONOCHROME1":
        image = Image.fromarray(255 - np.asarray(image))
    image.info = {FRAMES_LEFT_OUT: header.frames - 1}  # and no comment that a JPEG in the file may have
    return image


def _read(path: Path, file: BinaryIO, with_pixels: bool) -> tuple[_Header, bytes]:
    try:
        import pydicom
    except ModuleNotFoundError as error:
        raise InputError(
            f"{path} is a DICOM file, and pydicom, which reads these, is not installed",
            fix=f"pip install '{PROGRAM}[dicom]'; from a clone: pip install '.[dicom]'",
        ) from error
    _silence(pydicom)
    try:
        syntax = _transfer_syntax(file.read(_LARGEST_META))
        if syntax not in _SYNTAXES:  # told before pydicom unpacks a deflated file, whatever its size
            raise InputError(
                f"{path} is compressed in a way that is not read here",
                expected=_READABLE,
                got=f"transfer syntax {pydicom.uid.UID(syntax).name}" if syntax else "no transfer syntax",
                fix="save it uncompressed with a DICOM tool, or export the image as PNG",
            )
        file.seek(0)
        tags = [*_TAGS, "PixelData"] if with_pixels else list(_TAGS)
        found = pydicom.dcmread(file, specific_tags=tags, stop_before_pixels=not with_pixels)
        header = _header(path, syntax, found)
        if with_pixels and "PixelData" not in found:
            raise InputError(f"{path} has no image in it", expected=_READABLE)
        return header, _first_frame(header, found.PixelData) if with_pixels else b""
    except InputError:
        raise
    except Exception as error:  # pydicom's own, and whatever its parsers raise
        raise _damaged(path, error) from None


def _header(path: Path, syntax: str, found: Any) -> _Header:
    if found.get("SOPClassUID") == _TOMOGRAPHY:
        raise InputError(f"{path} is a tomography (OCT), no fundus image", expected=_READABLE)
    if "Rows" not in found or "Columns" not in found:
        raise InputError(f"{path} has no image in it", expected=_READABLE)
    samples, colours = int(found.get("SamplesPerPixel", 1)), str(found.get("PhotometricInterpretation", ""))
    bits = int(found.get("BitsAllocated", 0)), int(found.get("BitsStored", 0))
    if bits != (8, 8) or colours not in {1: _GREY, 3: _COLOUR}.get(samples, ()):
        known = colours if colours.replace("_", "").isalnum() and len(colours) <= 16 else "unknown colours"
        raise InputError(
            f"{path} has pixels of a kind that is not read here",
            expected=f"8 bits; {', '.join((*_GREY, *_COLOUR))}",
            got=f"{bits[1]} of {bits[0]} bits, {samples} samples, {known}",
            fix="export the image as PNG",
        )
    header = _Header(
        syntax,
        int(found.Rows),
        int(found.Columns),
        max(1, int(found.get("NumberOfFrames") or 1)),
        samples,
        colours,
        found.get("PlanarConfiguration") == 1,
    )
    if not header.pixels:
        raise InputError(f"{path} has no pixels", expected=_READABLE, got=f"{header.width} x {header.height} pixels")
    return header


def _first_frame(header: _Header, pixels: bytes) -> bytes:
    if header.syntax in _UNCOMPRESSED:
        return pixels
    from pydicom.encaps import get_frame

    return get_frame(pixels, 0, number_of_frames=header.frames)


def _frame(header: _Header, packed: bytes) -> Image.Image:
    """Raise an error of any kind where it is damaged."""
    if header.syntax in _JPEG:
        return _jpeg(header, packed)
    size = header.width, header.height
    if header.syntax in _JPEG_2000:
        image = _opened(header, packed, "JPEG2000")
        unchanged = header.colours in ("YBR_FULL", "YBR_FULL_422")
        if unchanged:
            return Image.frombytes("YCbCr", size, image.tobytes()).convert("RGB")
        image.load()
        return image
    if header.syntax == _RUN_LENGTHS:
        values = unpack_planes(packed, header.samples, header.pixels)
    else:
        values = _uncompressed(header, np.frombuffer(packed, np.uint8))
    if header.samples == 1:
        return Image.fromarray(values.reshape(header.height, header.width))
    mode = "RGB" if header.colours in ("RGB", "YBR_ICT", "YBR_RCT") else "YCbCr"
    return Image.frombytes(mode, size, values.tobytes()).convert("RGB")


def _uncompressed(header: _Header, values: np.ndarray) -> np.ndarray:
    """(pixels, samples), of the first frame."""
    if header.colours == "YBR_FULL_422":  # two pixels share their colour: Y Y Cb Cr
        pairs = values[: 2 * header.pixels].reshape(-1, 4)
        return np.stack([pairs[:, :2], *(np.repeat(pairs[:, [c]], 2, axis=1) for c in (2, 3))], axis=2).reshape(-1, 3)
    values = values[: header.pixels * header.samples]
    if header.by_planes:
        return np.ascontiguousarray(values.reshape(header.samples, header.pixels).T)
    return values.reshape(header.pixels, header.samples)


def _jpeg(header: _Header, packed: bytes) -> Image.Image:
    image = _opened(header, packed, "JPEG")
    says_itself = "adobe_transform" in image.info or "jfif" in image.info
    if header.colours != "RGB" or says_itself:
        return image.convert("L" if header.samples == 1 else "RGB")
    image.draft("YCbCr", image.size)  # has the decoder leave the colours as they are, which is RGB
    return Image.frombytes("RGB", image.size, image.tobytes())


def _opened(header: _Header, packed: bytes, kind: str) -> Image.Image:
    image = Image.open(io.BytesIO(packed), formats=(kind,))
    if image.size != (header.width, header.height) or len(image.getbands()) != header.samples:
        raise ValueError("header and frame differ in size")
    return image


def _transfer_syntax(begin: bytes) -> str:
    """How the rest of the file is written; empty where the file does not say it, or says it twice."""
    found, position = [], _BEGIN + len(_MARK)
    while begin[position : position + 2] == b"\x02\x00":
        is_long = begin[position + 4 : position + 6] in _LONG
        at, size = (position + 8, 4) if is_long else (position + 6, 2)
        length, start = int.from_bytes(begin[at : at + size], "little"), at + size
        if begin[position + 2 : position + 4] == b"\x10\x00":
            found.append(begin[start : start + length].rstrip(b"\0 ").decode("ascii", "replace"))
        position = start + length
    return found[0] if len(found) == 1 and position < len(begin) else ""


def _damaged(path: Path, error: Exception) -> InputError:
    """Without the error's text, which may quote what the file says of a patient."""
    return InputError(
        f"{path} cannot be decoded: it is damaged or truncated",
        expected=_READABLE,
        got=type(error).__name__,
        fix="copy or export the file again",
    )


def _silence(pydicom: Any) -> None:
    """Have it check and print nothing of the values it reads; an error is the only answer that is wanted."""
    import logging
    import warnings

    if pydicom.config.settings.reading_validation_mode != pydicom.config.IGNORE:
        pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
        logging.getLogger("pydicom").setLevel(logging.CRITICAL)
        warnings.filterwarnings("ignore", module=r"pydicom(\.|$)")
