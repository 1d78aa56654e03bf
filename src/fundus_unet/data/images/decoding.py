"""Decode an image file: one way for every format, one error for everything that can be wrong with a file."""

import gzip
import io
import zlib
from pathlib import Path

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from fundus_unet.core.errors import InputError
from fundus_unet.core.files import open_regular, read_bytes
from fundus_unet.data.images.dicom import decode_dicom, is_dicom, pixels_by_header

# Pillow's other formats stay closed: one of them (EPS) runs a program.
FORMATS = ("PNG", "JPEG", "TIFF", "PPM", "GIF", "BMP", "WEBP")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".ppm", ".gif", ".bmp", ".webp", ".dcm")

MAX_PIXELS = 10_000 * 10_000
MAX_BYTES = 2**30  # MAX_PIXELS in four 16-bit channels take three quarters of it
_MAX_UNPACKED_BYTES = MAX_PIXELS * 6 + 4096  # three 16-bit channels and a header

_ON_ITS_SIDE = (5, 6, 7, 8)
"""EXIF orientations that swap height and width."""
_READABLE = f"a readable image ({' '.join(suffix[1:] for suffix in SUFFIXES)}, also .ppm.gz)"


def decode(path: str | Path) -> Image.Image:
    """Open an image file, decode it fully and turn it as its EXIF orientation says.

    Of a file with several frames or pages the first is taken.

    Raises:
        InputError: For a file that is absent, empty, truncated, of another format or above `MAX_PIXELS`.
    """
    path = Path(path)
    data = _bytes(path)
    if is_dicom(data):
        return decode_dicom(path, data, MAX_PIXELS)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            _check_pixels(path, image)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            return image
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(path, str(error)) from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path} is not an image this project reads",
            expected=_READABLE,
            got=f"{len(data)} bytes that begin with {data[:8]!r}",
            fix="save it as PNG; the content decides, not the name's ending",
        ) from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error, zlib.error and others
        raise InputError(
            f"{path} cannot be decoded: it is damaged or truncated",
            expected=_READABLE,
            got=f"{len(data)} bytes; {type(error).__name__}: {error}",
            fix="copy or download the file again",
        ) from error


def size_of(path: str | Path) -> tuple[int, int]:
    """Height and width as `decode` turns the image, by the file's header where that says it.

    Raises:
        InputError: As `decode`; a file that is only truncated may pass.
    """
    try:
        with open_regular(Path(path)) as file, Image.open(_Bounded(file.raw), formats=FORMATS) as image:
            width, height = image.size
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) in _ON_ITS_SIDE
            return (width, height) if turned else (height, width)
    except Exception:  # of any kind, as in `decode`, which tells it in words, or reads what is packed
        decoded = decode(path)
        return decoded.height, decoded.width


def pixel_count(path: Path) -> int:
    """Pixels by the file's header alone, unturned; 0 where it cannot be read, which `decode` tells in words."""
    try:
        with open_regular(path) as file:
            if is_dicom(file.peek()):
                return pixels_by_header(path, file)
            file.raw.seek(0, io.SEEK_SET)
            with Image.open(_Bounded(file.raw), formats=FORMATS) as image:
                return image.width * image.height
    except Exception:  # of any kind, as in `decode`
        return 0


class _Bounded(io.BufferedReader):
    """Some formats are read to the end of the file to learn their size, and a file may have no end."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(MAX_BYTES if size is None or size < 0 else size)


def _bytes(path: Path) -> bytes:
    try:
        data = read_bytes(path, MAX_BYTES)
    except (OSError, ValueError) as error:  # a path with a zero in it is a ValueError
        raise InputError(
            f"{path} cannot be opened",
            expected=_READABLE,
            got=getattr(error, "strerror", None) or error,
            fix=f"check the path (relative paths start at {Path.cwd()}) and its permissions",
        ) from error
    # By content: browsers unpack a .ppm.gz on the way and keep its name.
    if data[:2] == b"\x1f\x8b":
        data = _unpacked(path, data)
    if not data:
        raise InputError(f"{path} is empty", expected=_READABLE, got="0 bytes", fix="copy or download the file again")
    return data


def _unpacked(path: Path, data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            unpacked = packed.read(_MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(
            f"{path} cannot be unpacked",
            expected="a whole gzip file",
            got=f"{len(data)} bytes; {type(error).__name__}: {error}",
            fix="copy or download the file again",
        ) from error
    if len(unpacked) > _MAX_UNPACKED_BYTES:
        raise _too_large(path, f"more than {_MAX_UNPACKED_BYTES} bytes once unpacked")
    return unpacked


def _check_pixels(path: Path, image: Image.Image) -> None:
    """Pillow's own limit warns and is global to the process; this one is an error and is ours alone."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_large(path, f"{width} x {height} pixels")


def _too_large(path: Path, got: str) -> InputError:
    return InputError(
        f"{path} is too large",
        expected=f"at most {MAX_PIXELS:,} pixels (10000 x 10000)",
        got=got,
        fix="crop it to the field of view or scale it down",
    )
