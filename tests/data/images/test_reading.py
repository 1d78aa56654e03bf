"""Every file format a user may bring is read to the same values, and every doubtful file is named."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.layouts import draw, save
from fundus_unet.core.errors import InputError
from fundus_unet.data.images import decoding
from fundus_unet.data.images.decoding import SUFFIXES
from fundus_unet.data.images.reading import read_image, read_label, read_mask

DICOM = ".dcm"  # which Pillow does not write: see test_dicom

PHOTO, LABEL, SECOND, MASK = draw(0)
SHAPE = LABEL.shape


def write(path: Path, image: Image.Image, **options) -> Path:
    image.save(path, **options)
    return path


# read_image


@pytest.mark.parametrize("suffix", [*(suffix for suffix in SUFFIXES if suffix != DICOM), ".PNG", ".ppm.gz"])
def test_every_format_gives_the_same_image(tmp_path, suffix):
    path = tmp_path / f"eye{suffix}"
    save(path, PHOTO, **({"lossless": True} if suffix == ".webp" else {}))
    image = read_image(path)
    assert image.shape == PHOTO.shape
    assert image.dtype == np.uint8
    assert image.flags.writeable
    lossy = suffix in (".jpg", ".jpeg", ".gif")
    assert np.abs(image.astype(int) - PHOTO).mean() < (12 if lossy else 1e-9)


def test_grey_is_repeated(tmp_path):
    path = write(tmp_path / "a.png", Image.fromarray(LABEL))
    assert (read_image(path) == LABEL[..., None]).all()


def test_one_bit_becomes_black_and_white(tmp_path):
    path = write(tmp_path / "a.png", Image.fromarray(LABEL > 0))
    assert (read_image(path) == LABEL[..., None]).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path, suffix):
    values = np.array([[0, 128, 129, 257], [300, 32768, 65406, 65535]], np.uint16)
    image = read_image(write(tmp_path / f"a{suffix}", Image.fromarray(values)))
    assert image[..., 0].tolist() == [[0, 0, 1, 1], [1, 128, 254, 255]]


def test_sixteen_bit_pgm(tmp_path):
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P5 3 1 65535\n" + np.array([0, 32768, 65535], ">u2").tobytes())
    assert read_image(path)[0, :, 0].tolist() == [0, 128, 255]


def test_big_endian_sixteen_bit_tiff(tmp_path):
    path = write(tmp_path / "a.tif", Image.frombytes("I;16B", (2, 1), np.array([257, 65535], ">u2").tobytes()))
    assert read_image(path)[0, :, 0].tolist() == [1, 255]


def test_transparency_is_laid_on_black(tmp_path):
    rgba = np.full((2, 2, 4), 200, np.uint8)
    rgba[..., 3] = [[0, 255], [255, 0]]
    image = read_image(write(tmp_path / "a.png", Image.fromarray(rgba)))
    assert image[..., 0].tolist() == [[0, 200], [200, 0]]


def test_transparent_palette_is_laid_on_black(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    image.putpalette([255, 255, 255, 10, 20, 30])
    assert read_image(write(tmp_path / "a.png", image, transparency=0)).tolist() == [[[0, 0, 0], [10, 20, 30]]]


def test_cmyk(tmp_path):
    image = read_image(write(tmp_path / "a.jpg", Image.fromarray(PHOTO).convert("CMYK"), quality=95))
    assert np.abs(image.astype(int) - PHOTO).mean() < 5


def test_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned a quarter
    path = write(tmp_path / "a.png", Image.fromarray(PHOTO), exif=exif)
    assert (read_image(path) == np.rot90(PHOTO, -1)).all()


def test_content_decides_not_the_name(tmp_path):
    path = tmp_path / "im0001.ppm.gz"  # unpacked by the browser on the way
    write(path, Image.fromarray(PHOTO), format="PPM")
    assert (read_image(path) == PHOTO).all()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".ppm", ".gif", ".bmp", ".webp", ".ppm.gz"])
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.9])
def test_truncated_file_is_named(tmp_path, suffix, kept):
    path = tmp_path / f"eye{suffix}"
    save(path, PHOTO)
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(InputError, match="eye") as raised:
        read_image(path)
    assert "what to do" in str(raised.value)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\x89PNG\r\n\x1a\n", b"\x1f\x8b\x08"]
)
def test_what_is_no_image_is_named(tmp_path, content):
    path = tmp_path / "eye.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"eye\.png"):
        read_image(path)


def test_absent_file_and_folder_are_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.png"):
        read_image(tmp_path / "nowhere.png")
    with pytest.raises(InputError, match="cannot be opened"):
        read_image(tmp_path)


@pytest.mark.parametrize(("side", "fits"), [(10_000, True), (10_001, False)])
def test_pixel_limit(tmp_path, side, fits):
    path = write(tmp_path / "a.png", Image.new("1", (side, 10_000)))
    before = Image.MAX_IMAGE_PIXELS
    if fits:
        assert decoding.decode(path).size == (side, 10_000)
    else:
        with pytest.raises(InputError, match="too large"):
            read_image(path)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("width", [200_000, 1_000_000])
def test_decompression_bomb_is_never_decoded(tmp_path, width):
    path = tmp_path / "a.ppm"
    path.write_bytes(b"P5 %d 1000 255\n" % width)
    with pytest.raises(InputError, match="too large"):
        read_image(path)


def test_gzip_bomb_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "_MAX_UNPACKED_BYTES", 1000)
    path = tmp_path / "a.ppm.gz"
    path.write_bytes(gzip.compress(bytes(1001)))
    with pytest.raises(InputError, match="too large"):
        read_image(path)


def test_no_known_range(tmp_path):
    with pytest.raises(InputError, match="no known range"):
        read_image(write(tmp_path / "a.tif", Image.fromarray(np.ones((2, 2), np.float32))))
    with pytest.raises(InputError, match="no known range"):
        read_image(write(tmp_path / "b.tif", Image.fromarray(np.full((2, 2), 70000, np.int32))))


@pytest.fixture
def odd_files(tmp_path):
    """What may lie in a folder of images and is none, some of it without end."""
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for name, target in {"endless.png": "/dev/zero", "noise.png": "/dev/urandom", "loop.png": "loop.png"}.items():
        (tmp_path / name).symlink_to(target)
    for name, start in {
        "huge.png": b"",
        "huge.webp": b"RIFF\xff\xff\xff\x7fWEBPVP8 ",
        "huge.ppm": b"P6 9 9 255 ",
    }.items():
        with (tmp_path / name).open("wb") as file:
            file.write(start)
            file.truncate(2**40)
    return [*tmp_path.iterdir(), tmp_path / "gone.png", tmp_path / "zero\0.png"]


def test_what_is_no_file_or_has_no_end_is_named(odd_files, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_BYTES", 2**20)
    for path in odd_files:
        with pytest.raises(InputError, match="cannot be opened"):
            read_image(path)
        assert decoding.pixel_count(path) == (81 if path.suffix == ".ppm" else 0)


def test_pixels_are_counted_by_the_header(tmp_path):
    path = write(tmp_path / "a.jpg", Image.new("RGB", (20, 10)))
    path.write_bytes(path.read_bytes()[:640])
    assert decoding.pixel_count(path) == 200


# read_label


def palette_of_two(values: np.ndarray) -> Image.Image:
    image = Image.fromarray((values > 0).astype(np.uint8)).convert("P")
    image.putpalette([0, 0, 0, 255, 255, 255])
    return image


LABELS = {
    "0/255 png": ("a.png", Image.fromarray(LABEL), {}),
    "0/1 png": ("a.png", Image.fromarray(LABEL // 255), {}),
    "1-bit png": ("a.png", Image.fromarray(LABEL > 0), {}),
    "three channels": ("a.png", Image.fromarray(np.repeat(LABEL[..., None], 3, 2)), {}),
    "opaque rgba": ("a.png", Image.fromarray(np.dstack([LABEL] * 3 + [np.full_like(LABEL, 255)])), {}),
    "grey gif": ("a.gif", Image.fromarray(LABEL), {}),
    "palette gif": ("a.gif", palette_of_two(LABEL), {}),
    "palette png": ("a.png", palette_of_two(LABEL), {}),
    "raw pgm": ("a.ah.ppm", Image.fromarray(LABEL), {"format": "PPM"}),
    "tiff": ("a.tif", Image.fromarray(LABEL), {}),
    "1-bit tiff": ("a.tif", Image.fromarray(LABEL > 0), {"compression": "group4"}),
    "16-bit 0/1": ("a.png", Image.fromarray((LABEL // 255).astype(np.uint16)), {}),
    "16-bit 0/255": ("a.tif", Image.fromarray(LABEL.astype(np.uint16)), {}),
    "16-bit 0/65535": ("a.png", Image.fromarray(LABEL.astype(np.uint16) * 257), {}),
    "float 0/1": ("a.tif", Image.fromarray((LABEL / 255).astype(np.float32)), {}),
}


@pytest.mark.parametrize("kind", LABELS)
def test_every_two_valued_label_reads_alike(tmp_path, kind):
    name, image, options = LABELS[kind]
    label = read_label(write(tmp_path / name, image, **options), SHAPE)
    assert label.dtype == np.uint8
    assert (label == LABEL // 255).all()


def test_packed_label(tmp_path):
    save(tmp_path / "a.ah.ppm.gz", LABEL)
    assert (read_label(tmp_path / "a.ah.ppm.gz", SHAPE) == LABEL // 255).all()


def changed(row: int, column: int, value: object) -> np.ndarray:
    values = np.repeat(LABEL[..., None], 3, 2) if isinstance(value, tuple) else LABEL.copy()
    values[row, column] = value
    return values


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (changed(3, 4, 128), [f"1 of {LABEL.size} pixels", "0, 128, 255"]),
        (LABEL // 2, ["0, 127", "nor 255"]),
        (LABEL // 255 + 1, ["1, 2"]),
        (changed(3, 4, (255, 0, 0)), ["channels", "[255, 0, 0] at row 3, column 4"]),
        (np.zeros_like(LABEL), ["no vessel", "saved empty"]),
        (np.full_like(LABEL, 255), ["no background", "inverted"]),
        (np.full_like(LABEL, 1), ["no background"]),
        (np.full_like(LABEL, 7), ["7"]),
        (LABEL[:-1], ["another size", "96 x 90", "96 x 89"]),
        (LABEL.T.copy(), ["another size", "90 x 96"]),
    ],
)
def test_doubtful_label_is_named(tmp_path, values, says):
    path = write(tmp_path / "eye_label.png", Image.fromarray(values))
    with pytest.raises(InputError) as raised:
        read_label(path, SHAPE)
    for words in [str(path), "expected", "got", "what to do", *says]:
        assert words in str(raised.value)


def test_jpeg_label_comes_with_advice(tmp_path):
    path = write(tmp_path / "a.jpg", Image.fromarray(LABEL), quality=90)
    with pytest.raises(InputError, match=r"JPEG changes values(.|\n)*PNG"):
        read_label(path, SHAPE)


# read_mask


@pytest.mark.parametrize(
    ("name", "values", "options"),
    [
        ("a.gif", MASK, {}),
        ("a.tif", np.repeat(MASK[..., None], 3, 2), {}),
        ("a.png", MASK // 255, {}),
        ("a.png", MASK > 0, {}),
        ("a.png", MASK.astype(np.uint16) * 257, {}),
        ("a.jpg", MASK, {"quality": 90}),
        ("a.png", np.where(MASK > 0, 254, 1).astype(np.uint8), {}),
    ],
)
def test_masks_read_alike(tmp_path, name, values, options):
    mask = read_mask(write(tmp_path / name, Image.fromarray(values), **options), SHAPE)
    assert mask.dtype == bool
    assert (mask == (MASK > 0)).all()


def test_whole_frame_is_a_mask(tmp_path):
    assert read_mask(write(tmp_path / "a.png", Image.new("L", SHAPE[::-1], 255)), SHAPE).all()


@pytest.mark.parametrize(
    ("values", "says"), [(np.zeros_like(MASK), "empty"), (MASK // 100, "empty"), (MASK[1:], "another size")]
)
def test_useless_mask_is_named(tmp_path, values, says):
    path = write(tmp_path / "eye_mask.png", Image.fromarray(values))
    with pytest.raises(InputError, match=rf"eye_mask\.png(.|\n)*{says}|{says}(.|\n)*eye_mask\.png"):
        read_mask(path, SHAPE)
