"""Warnings: each on an image made to show it, and none on images that nothing is wrong with."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fundus_unet.data.images.preprocessing import Preprocessor
from fundus_unet.data.images.reading import read_image
from fundus_unet.inference.image_quality import edge_blur
from fundus_unet.inference.inspected_image import DIAMETER, InspectedImage
from fundus_unet.inference.new_image import prepare_new_image
from fundus_unet.inference.sources import Source
from inference import quality_cases as made

PATH = Path("image")


def warnings_of(image: np.ndarray, fov_diameter: float = 800) -> tuple[str, ...]:
    return prepare_new_image(Source(PATH, PATH), image, Preprocessor(fov_diameter=fov_diameter)).warnings


def only(image: np.ndarray, words: str) -> None:
    """One warning, with these words, short enough for a cell of a table."""
    found = warnings_of(image)
    assert len(found) == 1, found
    assert words in found[0]
    assert len(found[0]) <= 140
    assert ";" not in found[0]  # which joins warnings


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_wrong_with_a_synthetic_image(seed):
    assert warnings_of(made.good(seed).image) == ()


@pytest.mark.parametrize("size", [400, 1100])
@pytest.mark.parametrize("fov_diameter", [400, 900])
def test_nor_at_another_size(size, fov_diameter):
    assert warnings_of(made.good(3, size).image, fov_diameter) == ()


def test_blurred():
    image = made.good().image
    only(made.blurred(image, 0.012), "blurred")


def test_under_exposed():
    only(made.exposed(made.good().image, 0.15), "under-exposed")


def test_over_exposed():
    only(made.exposed(made.good().image, 3.5), "over-exposed")


def test_not_in_colour():
    only(made.grey(made.good().image), "not in colour")


def test_no_fundus():
    (told,) = warnings_of(made.landscape())
    assert "not those of a fundus" in told


def test_no_field_of_view():
    image = made.good().image
    side = len(image) // 4
    only(image[side:-side, side:-side], "no border")


@pytest.mark.parametrize(
    "colour",
    [(255, 255, 255), (0, 0, 0), (0, 255, 0), (60, 120, 255), (255, 0, 0), (0, 255, 255), (255, 255, 0)],
    ids=["white", "black", "green", "blue", "red", "cyan", "yellow"],
)
class TestDrawnOver:
    def test_text(self, colour):
        only(made.with_text(made.good().image, colour), "text or lines")

    def test_lines(self, colour):
        only(made.with_lines(made.good().image, colour), "text or lines")


def test_text_in_the_border_is_no_matter():
    image = made.good().image
    image = cv2.copyMakeBorder(image, 80, 80, 80, 80, cv2.BORDER_CONSTANT)
    cv2.putText(image, "2019-03-02 OD", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 1, (255, 255, 255), 2)
    assert warnings_of(image) == ()


@pytest.mark.parametrize("gap", [0, 40], ids=["touching", "apart"])
@pytest.mark.parametrize("background", [0, 255], ids=["black", "white"])
class TestTwoEyes:
    def test_alone(self, gap, background):
        found = warnings_of(made.two_eyes(gap, background))
        assert not any("exposed" in told or ";" in told for told in found), found
        assert any("two eyes" in told or "several fields" in told for told in found), found

    def test_with_lines_drawn_over_both(self, gap, background):
        found = warnings_of(made.with_lines(made.two_eyes(gap, background), (0, 255, 0)))
        assert any("two eyes" in told or "several fields" in told for told in found), found
        assert any("text or lines" in told for told in found), found


def test_far_from_training():
    """Local contrast that some program has enhanced, colours of no camera that is known, and an eye in a haze."""
    image = made.good().image
    blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 6)
    enhanced = np.clip(image + 3.2 * (image - blurred), 0, 255).astype(np.uint8)
    only(enhanced, "far from the images of training: the contrast")
    tinted = np.clip(image * (0.72, 1.65, 1.0), 0, 255).astype(np.uint8)
    only(tinted, "far from the images of training: its green")
    field = made.good().field_of_view[..., None]
    mean = image[field[..., 0]].mean(axis=0)
    hazy = np.where(field, mean + 0.35 * (image - mean), 0).astype(np.uint8)
    only(hazy, "far from the images of training: the contrast")


def test_ultra_wide():
    found = warnings_of(made.ultra_wide())
    assert any("ultra-wide" in told for told in found), found


@pytest.mark.parametrize("size", [640, 1100])
@pytest.mark.parametrize("share", [0.004, 0.008])
def test_blur_is_measured_in_units_of_the_field_of_view(size, share):
    """It is what was added, whatever the image's size; the eye's own edges are soft too."""

    def blur(image: np.ndarray) -> float:
        sample = prepare_new_image(Source(PATH, PATH), image, Preprocessor(fov_diameter=700))
        return edge_blur(InspectedImage.of(sample.working, sample.fov_diameter * sample.scale))

    image = made.good(3, size).image
    own = blur(image)
    assert own < 0.005
    assert 0.9 < blur(made.blurred(image, share)) / np.hypot(own, share) < 1.3


def test_what_is_inspected_is_never_large():
    image = made.good(3, 1100).image
    sample = prepare_new_image(Source(PATH, PATH), image, Preprocessor(scale=1))
    inspected = InspectedImage.of(sample.working, sample.fov_diameter)
    assert inspected.diameter == DIAMETER
    assert max(inspected.image.shape) < 1.1 * DIAMETER
    assert inspected.inside.any()
    assert not (inspected.inside & ~inspected.field_of_view).any()


@pytest.mark.real
@pytest.mark.parametrize("folder", ["CHASE_DB1", "HRF/images", "new_images"])
def test_real_images_have_no_warning(real_data, folder):
    paths = [path for path in sorted((real_data / folder).iterdir()) if path.suffix.lower() == ".jpg"]
    assert paths
    assert {path.name: told for path in paths if (told := warnings_of(read_image(path)))} == {}
