"""The size of an image by its header is that of the decoded one."""

import pytest
from PIL import Image

from data.layouts import draw, save
from fundus_unet.core.errors import InputError
from fundus_unet.data.images.decoding import size_of

PHOTO = draw(0)[0]


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".ppm.gz"])
def test_the_size_by_the_header_is_that_of_the_decoded_image(tmp_path, suffix):
    path = tmp_path / f"eye{suffix}"
    save(path, PHOTO)
    assert size_of(path) == PHOTO.shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_turned_image(tmp_path, orientation):
    image, exif = Image.fromarray(PHOTO), Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "eye.jpg", exif=exif)
    height, width = PHOTO.shape[:2]
    assert size_of(tmp_path / "eye.jpg") == ((width, height) if orientation >= 5 else (height, width))


def test_a_file_without_a_size_says_why(tmp_path):
    with pytest.raises(InputError, match="cannot be opened"):
        size_of(tmp_path / "eye.png")
    (tmp_path / "eye.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not an image"):
        size_of(tmp_path / "eye.png")
