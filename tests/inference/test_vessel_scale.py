"""The working resolution that an image's vessels ask for."""

from dataclasses import replace
from pathlib import Path, PurePath

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.synthetic.generate import generate_fundus
from fundus_unet.inference.new_image import NewImage, prepare_new_image
from fundus_unet.inference.predictor import Predictor
from fundus_unet.inference.sources import Source
from fundus_unet.inference.vessel_scale import LARGEST, SMALLEST, STEP, VesselScale, widest_calibre

LOOK = 256


class DarkIsVessel(nn.Module):
    """A network whose vessels are what is nearer to the darkest than to the brightest place."""

    size_multiple = 1

    def forward(self, image: Tensor) -> Tensor:
        red = image[:, :1]
        return 10 * ((red.amin() + red.amax()) / 2 - red)


def striped(calibre: int, diameter: int, count: int = 6) -> np.ndarray:
    """A bright field in which dark stripes are so many pixels wide."""
    side = diameter + 40
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(x, y) < diameter / 2
    image = np.zeros((side, side, 3), np.uint8)
    image[inside] = (200, 120, 60)
    for place in np.linspace(-0.35, 0.35, count) * diameter:
        stripe = (np.abs(x - place) < calibre / 2) & (np.hypot(x, y) < 0.45 * diameter)
        image[stripe] = (40, 20, 10)
    return image


def prepared(image: np.ndarray, look: float = LOOK) -> NewImage:
    return prepare_new_image(Source(Path("one.png"), PurePath("one")), image, Preprocessor(fov_diameter=look))


def scale(calibre: float = 8, look: float = LOOK) -> VesselScale:
    return VesselScale(Predictor(DarkIsVessel(), torch.device("cpu"), None), look, calibre)


@pytest.mark.parametrize(("calibre", "diameter"), [(8, 512), (16, 1024), (16, 512), (6, 512), (24, 900)])
def test_vessels_become_as_wide_as_they_shall_be(calibre: int, diameter: int) -> None:
    found = scale().fitted(prepared(striped(calibre, diameter)))
    assert calibre * found.scale == pytest.approx(8, rel=0.12)
    assert found.working.image.shape[0] == round(found.image.shape[0] * found.scale)


def test_the_first_look_sees_vessels_from_a_probability_on() -> None:
    working = prepared(striped(8, 512)).working
    blurred = replace(working, image=cv2.GaussianBlur(working.image, (0, 0), 3))
    sizes = [replace(scale(), vessel_from=least).diameter(blurred) for least in (0.2, 0.5, 0.8)]
    assert sizes[0] < sizes[1] < sizes[2]  # the fewer pixels are vessel, the narrower these are


def test_the_calibre_of_the_image_does_not_enter_only_its_ratio_to_the_field_does() -> None:
    one, other = (scale().diameter(prepared(striped(width, size)).working) for width, size in ((8, 512), (16, 1024)))
    assert abs(one - other) <= STEP
    assert one % STEP == other % STEP == 0


def test_it_stays_within_bounds() -> None:
    assert scale(2.0).diameter(prepared(striped(40, 512, count=4)).working) == round(LOOK * SMALLEST / STEP) * STEP
    assert scale(64.0).diameter(prepared(striped(6, 512)).working) == round(LOOK * LARGEST / STEP) * STEP


def test_without_vessels_the_first_look_is_all() -> None:
    y, x = np.mgrid[:300, :300] - 149.5
    image = np.zeros((300, 300, 3), np.uint8)
    image[np.hypot(x, y) < 140] = (200, 120, 60)
    image[130:170, 148:152] = 90
    sample = prepared(image)
    assert scale().diameter(sample.working) == LOOK
    assert scale().fitted(sample).scale == pytest.approx(sample.scale)


def test_an_image_that_would_grow_too_large_stays_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = prepared(striped(6, 512))
    monkeypatch.setattr("fundus_unet.data.images.preprocessing.MOST_PIXELS", 10)
    assert scale(30).fitted(sample) is sample


def test_the_widest_count_and_the_finest_do_not() -> None:
    mask = np.zeros((400, 400), bool)
    for row in range(40, 340, 60):
        mask[row : row + 11, 20:380] = True
    coarse = widest_calibre(mask, 400)
    mask[350:353, 20:380] = True
    cv2_mask = mask.astype(np.uint8)
    for column in range(25, 380, 14):
        cv2.line(cv2_mask, (column, 0), (column, 36), 1, 1)
    assert coarse == pytest.approx(11, abs=1)
    assert widest_calibre(cv2_mask > 0, 400) == pytest.approx(coarse, abs=0.3)
    assert widest_calibre(np.zeros((50, 50), bool), 50) is None


def test_a_synthetic_eye_is_seen_alike_in_any_size_of_file() -> None:
    eye = generate_fundus(3, 900, "plain")
    small = cv2.resize(eye.image, (600, 600), interpolation=cv2.INTER_AREA)
    one, other = (scale().diameter(prepared(image).working) for image in (eye.image, small))
    assert other == pytest.approx(one, rel=0.1)
