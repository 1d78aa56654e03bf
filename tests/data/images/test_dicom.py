"""Images in DICOM files, made with pydicom: what is read, what is refused, and what never leaves the file."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data.layouts import draw
from fundus_unet.core.errors import InputError
from fundus_unet.data.images import decoding
from fundus_unet.data.images.decoding import decode, pixel_count, size_of
from fundus_unet.data.images.reading import read_first_frame, read_image

pydicom = pytest.importorskip("pydicom")

PATIENT = "Doe^Jane"
OPHTHALMIC = "1.2.840.10008.5.1.4.1.1.77.1.5.1"
SIZE = (60, 80)
UID = pydicom.uid


def dicom(path: Path, image: np.ndarray, *, syntax: str = UID.ExplicitVRLittleEndian, **tags: Any) -> Path:
    """Write (H, W), (H, W, 3) or frames of these; `tags` replace those of the image, and None removes one."""
    frames = tags.pop("frames", 1)
    packed = tags.pop("packed", None)
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = tags.get("SOPClassUID", OPHTHALMIC)
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    found = pydicom.Dataset()
    found.file_meta = meta
    found.PatientName, found.PatientID, found.PatientBirthDate = PATIENT, "4711", "19500101"
    found.SOPClassUID, found.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3.4"
    height, width = image.shape[1:3] if frames > 1 else image.shape[:2]
    grey = image.ndim == 2 + (frames > 1)
    found.Rows, found.Columns = height, width
    found.SamplesPerPixel = 1 if grey else 3
    found.PhotometricInterpretation = "MONOCHROME2" if grey else "RGB"
    found.BitsAllocated = found.BitsStored = 8
    found.HighBit, found.PixelRepresentation = 7, 0
    if not grey:
        found.PlanarConfiguration = 0
    if frames > 1:
        found.NumberOfFrames = frames
    content = image.astype(np.uint8).tobytes()
    if packed is None:
        found.PixelData = content + b"\0" * (len(content) % 2)
    else:
        found.PixelData = pydicom.encaps.encapsulate(packed)
    found["PixelData"].VR = "OB"
    for key, value in tags.items():
        if value is None:
            delattr(found, key)
        else:
            setattr(found, key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that are wrong on purpose
        found.save_as(path, enforce_file_format=True)
    return path


def photo(seed: int = 0) -> np.ndarray:
    return draw(seed, SIZE)[0]


def packed_as(image: np.ndarray, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, **options)
    return file.getvalue()


def test_colours_and_grey_as_they_are(tmp_path: Path) -> None:
    assert (read_image(dicom(tmp_path / "a.dcm", photo())) == photo()).all()
    grey = photo()[..., 1]
    assert (read_image(dicom(tmp_path / "b.dcm", grey)) == grey[..., None]).all()
    inverted = dicom(tmp_path / "c.dcm", 255 - grey, PhotometricInterpretation="MONOCHROME1")
    assert (read_image(inverted) == grey[..., None]).all()


@pytest.mark.parametrize("syntax", [UID.ImplicitVRLittleEndian, UID.ExplicitVRLittleEndian])
def test_every_way_to_write_the_tags(tmp_path: Path, syntax: str) -> None:
    assert (read_image(dicom(tmp_path / "a", photo(), syntax=syntax)) == photo()).all()


def test_colours_by_planes(tmp_path: Path) -> None:
    planes = np.moveaxis(photo(), 2, 0)
    path = dicom(tmp_path / "a.dcm", photo(), PlanarConfiguration=1, PixelData=planes.tobytes())
    assert (read_image(path) == photo()).all()


def test_brightness_and_two_colour_differences(tmp_path: Path) -> None:
    as_ybr = np.asarray(Image.fromarray(photo()).convert("YCbCr"))
    full = dicom(tmp_path / "a.dcm", as_ybr, PhotometricInterpretation="YBR_FULL")
    assert np.abs(read_image(full).astype(int) - photo()).max() <= 3
    shared = np.dstack([as_ybr[..., 0], *(np.repeat(as_ybr[:, ::2, c], 2, axis=1) for c in (1, 2))])
    pairs = np.stack([as_ybr[:, ::2, 0], as_ybr[:, 1::2, 0], as_ybr[:, ::2, 1], as_ybr[:, ::2, 2]], axis=-1)
    half = dicom(tmp_path / "b.dcm", photo(), PhotometricInterpretation="YBR_FULL_422", PixelData=pairs.tobytes())
    assert (read_image(half) == np.asarray(Image.fromarray(shared, "YCbCr").convert("RGB"))).all()


@pytest.mark.parametrize(
    ("syntax", "kind", "colours", "options", "nearly"),
    [
        (UID.JPEGBaseline8Bit, "JPEG", "YBR_FULL_422", {"quality": 95}, 4),
        (UID.JPEGBaseline8Bit, "JPEG", "RGB", {"quality": 95, "keep_rgb": True}, 4),
        (UID.JPEG2000Lossless, "JPEG2000", "RGB", {"irreversible": False, "mct": 0, "no_jp2": True}, 0),
        (UID.JPEG2000Lossless, "JPEG2000", "YBR_RCT", {"irreversible": False, "mct": 1, "no_jp2": True}, 0),
        (UID.JPEG2000, "JPEG2000", "YBR_ICT", {"irreversible": True, "quality_layers": [4], "no_jp2": True}, 4),
    ],
)
def test_compressed(tmp_path: Path, syntax: str, kind: str, colours: str, options: dict, nearly: int) -> None:
    packed = [packed_as(photo(), kind, **options)]
    path = dicom(tmp_path / "a.dcm", photo(), syntax=syntax, packed=packed, PhotometricInterpretation=colours)
    difference = np.abs(read_image(path).astype(int) - photo())
    assert difference.mean() <= nearly
    assert (difference.max() == 0) == (nearly == 0)


def test_grey_jpeg(tmp_path: Path) -> None:
    grey = photo()[..., 1]
    path = dicom(tmp_path / "a.dcm", grey, syntax=UID.JPEGBaseline8Bit, packed=[packed_as(grey, "JPEG", quality=95)])
    assert np.abs(read_image(path).astype(int) - grey[..., None]).mean() < 3


@pytest.mark.parametrize("image", [photo(), photo()[..., 1]], ids=["colour", "grey"])
def test_run_lengths(tmp_path: Path, image: np.ndarray) -> None:
    path = dicom(tmp_path / "a.dcm", image)
    found = pydicom.dcmread(path)
    found.compress(UID.RLELossless)
    found.save_as(path)
    assert (read_image(path) == image.reshape(*SIZE, -1)).all()


def test_of_several_frames_the_first_is_taken_and_the_others_are_counted(tmp_path: Path) -> None:
    frames = np.stack([photo(0), photo(1), photo(2)])
    image, left_out = read_first_frame(dicom(tmp_path / "a.dcm", frames, frames=3))
    assert (image == photo(0)).all()
    assert left_out == 2
    packed = [packed_as(frame, "JPEG2000", irreversible=False, no_jp2=True) for frame in frames]
    path = dicom(
        tmp_path / "b.dcm",
        frames,
        frames=3,
        syntax=UID.JPEG2000Lossless,
        packed=packed,
        PhotometricInterpretation="YBR_RCT",
    )
    image, left_out = read_first_frame(path)
    assert (image == photo(0)).all()
    assert left_out == 2


def test_the_size_is_known_by_the_header(tmp_path: Path) -> None:
    path = dicom(tmp_path / "a.dcm", photo())
    assert size_of(path) == SIZE
    assert pixel_count(path) == SIZE[0] * SIZE[1]
    path.write_bytes(path.read_bytes()[:2000])
    assert pixel_count(path) == SIZE[0] * SIZE[1]


def test_nothing_but_pixels_comes_out(tmp_path: Path) -> None:
    told = packed_as(photo(), "JPEG", comment=PATIENT.encode())
    path = dicom(
        tmp_path / "a.dcm",
        photo(),
        syntax=UID.JPEGBaseline8Bit,
        packed=[told],
        PhotometricInterpretation="YBR_FULL_422",
    )
    assert PATIENT not in str(vars(decode(path)))


REFUSED = {
    "sixteen bits": ({"BitsAllocated": 16, "BitsStored": 12}, "8 bits"),
    "a palette": ({"PhotometricInterpretation": "PALETTE COLOR", "SamplesPerPixel": 1}, "a kind that is not read"),
    "colour with one sample": ({"SamplesPerPixel": 1}, "a kind that is not read"),
    "no pixels": ({"PixelData": None}, "no image in it"),
    "no size": ({"Rows": None}, "no image in it"),
    "a size of nothing": ({"Rows": 0}, "no pixels"),
    "less than it says": ({"PixelData": b"\0\1"}, "damaged or truncated"),
    "more frames than there are, and no first one": ({"PixelData": b"", "NumberOfFrames": 3}, "damaged"),
    "a tomography": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.77.1.5.4"}, "tomography"),
}


@pytest.mark.parametrize(("tags", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_told(tmp_path: Path, tags: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_image(dicom(tmp_path / "a.dcm", photo(), **tags))
    assert "a.dcm" in str(error.value)


def test_an_error_quotes_nothing_of_a_patient(tmp_path: Path, recwarn: pytest.WarningsRecorder, capfd) -> None:
    whole = dicom(tmp_path / "whole.dcm", photo(), PhotometricInterpretation=PATIENT).read_bytes()
    paths = [tmp_path / "whole.dcm"]
    for place in range(132, len(whole) - SIZE[0] * SIZE[1] * 3, 7):
        paths.append(tmp_path / f"{place}.dcm")
        paths[-1].write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])
    for path in paths:
        with pytest.raises(InputError) as error:
            read_image(path)
        assert not [word for word in ("Doe", "Jane", "4711", "1950") if word in str(error.value)]
    assert [str(warning.message) for warning in recwarn] == []
    assert capfd.readouterr() == ("", "")


def test_a_file_that_ends_anywhere_is_told(tmp_path: Path) -> None:
    whole = dicom(tmp_path / "a.dcm", photo()).read_bytes()
    for end in range(132, len(whole), 211):
        (tmp_path / "a.dcm").write_bytes(whole[:end])
        with pytest.raises(InputError):
            read_image(tmp_path / "a.dcm")


class TestSizes:
    def test_one_that_is_too_large_is_refused_before_it_is_decoded(self, tmp_path: Path, monkeypatch) -> None:
        path = dicom(tmp_path / "a.dcm", photo())
        monkeypatch.setattr(decoding, "MAX_PIXELS", SIZE[0] * SIZE[1] - 1)
        with pytest.raises(InputError, match="is too large"):
            read_image(path)

    @pytest.mark.parametrize(("syntax", "kind"), [(UID.JPEGBaseline8Bit, "JPEG"), (UID.JPEG2000, "JPEG2000")])
    def test_a_frame_of_another_size_than_the_header_says(self, tmp_path: Path, syntax: str, kind: str) -> None:
        large = np.zeros((500, 700, 3), np.uint8)
        path = dicom(
            tmp_path / "a.dcm",
            photo(),
            syntax=syntax,
            packed=[packed_as(large, kind)],
            PhotometricInterpretation="YBR_FULL_422" if kind == "JPEG" else "YBR_ICT",
        )
        with pytest.raises(InputError, match="damaged"):
            read_image(path)

    def test_run_lengths_without_end_are_unpacked_as_far_as_the_image_goes(self, tmp_path: Path) -> None:
        header = np.zeros(16, "<u4")
        header[:2] = 1, 64
        packed = header.tobytes() + b"\x81\x07" * 100_000  # 12.8 million sevens
        path = dicom(tmp_path / "a.dcm", photo()[..., 1], syntax=UID.RLELossless, packed=[packed])
        assert (read_image(path) == 7).all()

    def test_a_deflated_file_is_refused_unread(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = dicom(tmp_path / "a.dcm", photo(), syntax=UID.DeflatedExplicitVRLittleEndian)
        monkeypatch.setattr(pydicom, "dcmread", lambda *_, **__: pytest.fail("it was read"))
        with pytest.raises(InputError, match="compressed in a way that is not read"):
            read_image(path)

    def test_a_second_transfer_syntax_does_not_hide_the_first(self, tmp_path: Path, monkeypatch) -> None:
        data = dicom(tmp_path / "a.dcm", photo()).read_bytes()
        start = data.index(b"\x02\x00\x10\x00UI")
        length = 8 + int.from_bytes(data[start + 6 : start + 8], "little")
        other = UID.DeflatedExplicitVRLittleEndian.encode()
        other = b"\x02\x00\x10\x00UI" + (len(other)).to_bytes(2, "little") + other
        (tmp_path / "a.dcm").write_bytes(data[: start + length] + other + data[start + length :])
        monkeypatch.setattr(pydicom, "dcmread", lambda *_, **__: pytest.fail("it was read"))
        with pytest.raises(InputError, match="compressed in a way that is not read"):
            read_image(tmp_path / "a.dcm")
