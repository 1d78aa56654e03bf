"""A DICOM file where pydicom is not installed."""

import sys
from pathlib import Path

import pytest

from fundus_unet.core.errors import InputError
from fundus_unet.data.images.decoding import pixel_count
from fundus_unet.data.images.reading import read_image


def test_it_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydicom", None)
    path = tmp_path / "a.dcm"
    path.write_bytes(b"\0" * 128 + b"DICM" + b"\2\0\0\0")
    with pytest.raises(InputError, match="pydicom, which reads these, is not installed") as error:
        read_image(path)
    assert "pip install 'fundus-unet[dicom]'" in str(error.value)
    assert pixel_count(path) == 0
